"""What the ranker knows of a candidate beside each track of the history, and in the training playlists that hold it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.read_only import read_only
from rec_assets.core.strategies.answers import Scores, Strategy
from rec_assets.core.strategies.item_knn import NearScores
from rec_assets.core.strategies.playlist_knn import PlaylistKnn, PlaylistScores
from rec_assets.core.strategies.track_vectors import TrackVectors

_LATEST = 20  # tracks of a history with which a candidate is compared
# In the order in which the loops write them.
BESIDE_TRACKS = (*(f"{what}_{of}" for what in ("product", "near") for of in ("highest", "mean", "last")),)
IN_NEAREST = (
    *("nearest_with_it", "nearest_similarity", "nearest_score", "nearest_with_last", "nearest_close_after"),
    *("nearest_right_after", "nearest_close_before", "nearest_steps"),
)
IN_PLAYLISTS = ("log_playlists", "mean_log_length", "mean_position", "length_over_history")


@dataclass(frozen=True)
class PlaylistFacts:
    """Of the training playlists that hold each track; NaN where none does.

    Attributes:
        mean_log_length: (t,) float32.
        mean_position: (t,) float32, 0 = first, 1 = last.
    """

    mean_log_length: np.ndarray
    mean_position: np.ndarray

    @classmethod
    def count(cls, playlists: PlaylistKnn) -> "PlaylistFacts":
        """From the playlists that a strategy was fitted on."""
        from rec_assets.core.ranker import closeness_loops

        held = playlists.to_tracks
        return cls(*closeness_loops.average(read_only(held.starts), read_only(held.columns), held.width))

    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays by name; ``PlaylistFacts(**arrays)`` is the inverse."""
        return dict(vars(self))


def write_closeness(
    strategies: Mapping[str, Strategy],
    scores: Mapping[str, Scores],
    facts: PlaylistFacts,
    histories: FlatSequences,
    candidates: tuple[np.ndarray, np.ndarray],
    features: np.ndarray,
) -> None:
    """Writes ``BESIDE_TRACKS``, ``IN_NEAREST`` and ``IN_PLAYLISTS`` of the ``candidates`` in ``features`` (c, f).

    ``candidates`` are (c,) which of the ``histories``, ascending, and (c,) rows, ascending within a history. The
    ``scores`` are what the ``strategies`` said of the histories.
    """
    from rec_assets.core.ranker import closeness_loops as loops

    vectors, knn = strategies["track_vectors"], strategies["playlist_knn"]
    near, playlists = scores["item_knn"], scores["playlist_knn"]
    assert isinstance(vectors, TrackVectors)  # noqa: S101 - for the type checker, as the next ones; Sources makes it so
    assert isinstance(knn, PlaylistKnn)  # noqa: S101
    assert isinstance(near, NearScores)  # noqa: S101
    assert isinstance(playlists, PlaylistScores)  # noqa: S101
    starts = np.searchsorted(candidates[0], np.arange(len(histories) + 1))
    asked = (starts, read_only(candidates[1]))
    own = (read_only(histories.values), read_only(histories.offsets))
    beside, nearest = len(BESIDE_TRACKS), len(BESIDE_TRACKS) + len(IN_NEAREST)
    tables = read_only(vectors.table), read_only(vectors.index.vectors), read_only(vectors.place)
    loops.compare_vectors(own, asked, tables, _LATEST, features[:, :3])
    loops.compare_near(near.asked.parts, near.near.parts, asked, features[:, 3:beside])
    damping = knn.asked.playlist_knn_length_damping
    loops.look_into_nearest(
        playlists.heard.parts, playlists.nearest.parts, knn.to_tracks.parts, asked, damping, features[:, beside:nearest]
    )
    rows, length = candidates[1], np.log(histories.lengths() + 1)[candidates[0]]
    # Of the candidates alone: one question would wait for millions of other tracks.
    features[:, nearest] = np.log1p(knn.to_playlists.starts[rows + 1] - knn.to_playlists.starts[rows])
    features[:, nearest + 1] = facts.mean_log_length[rows]
    features[:, nearest + 2] = facts.mean_position[rows]
    features[:, nearest + 3] = facts.mean_log_length[rows] - length
