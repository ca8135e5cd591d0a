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
    """Writes ``BESIDE_TRACKS`` and ``IN_PLAYLISTS`` of the ``candidates`` in ``features`` (c, f).

    The columns of ``IN_NEAREST`` between them are left to the caller, see :func:`look_into_nearest`.

    ``candidates`` are (c,) which of the ``histories``, ascending, and (c,) rows, ascending within a history. The
    ``scores`` are what the ``strategies`` said of the histories.
    """
    from rec_assets.core.ranker import closeness_loops as loops

    vectors, knn, near = strategies["track_vectors"], strategies["playlist_knn"], scores["item_knn"]
    assert isinstance(vectors, TrackVectors)  # noqa: S101 - for the type checker, as the next ones; Sources makes it so
    assert isinstance(knn, PlaylistKnn)  # noqa: S101
    assert isinstance(near, NearScores)  # noqa: S101
    asked = _by_history(candidates, len(histories))
    own = (read_only(histories.values), read_only(histories.offsets))
    tables = read_only(vectors.table), read_only(vectors.index.vectors), read_only(vectors.place)
    loops.compare_vectors(own, asked, tables, _LATEST, features[:, :3])
    loops.compare_near(near.asked.parts, near.near.parts, asked, features[:, 3 : len(BESIDE_TRACKS)])
    rows, length = candidates[1], np.log(histories.lengths() + 1)[candidates[0]]
    # Of the candidates alone: one question would wait for millions of other tracks.
    held_in, in_playlists = knn.to_playlists.starts, features[:, -len(IN_PLAYLISTS) :]
    in_playlists[:, 0] = np.log1p(held_in[rows + 1] - held_in[rows])
    in_playlists[:, 1] = facts.mean_log_length[rows]
    in_playlists[:, 2] = facts.mean_position[rows]
    in_playlists[:, 3] = facts.mean_log_length[rows] - length


def look_into_nearest(knn: Strategy, scores: Scores, candidates: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """(c, f) float32 ``IN_NEAREST`` of all ``candidates`` of the histories of which ``knn`` said the ``scores``.

    Sums are shares of the highest among the candidates, which are as in :func:`write_closeness`, with all tracks of the
    histories among them.
    """
    from rec_assets.core.ranker import closeness_loops as loops

    assert isinstance(knn, PlaylistKnn)  # noqa: S101 - for the type checker, as the next one; Sources makes it so
    assert isinstance(scores, PlaylistScores)  # noqa: S101
    features = np.empty((len(candidates[1]), len(IN_NEAREST)), np.float32)
    heard, nearest = scores.heard.parts, scores.nearest.parts
    asked, damping = _by_history(candidates, len(scores.nearest)), knn.asked.playlist_knn_length_damping
    loops.look_into_nearest(heard, nearest, knn.to_tracks.parts, asked, damping, features)
    return features


def _by_history(candidates: tuple[np.ndarray, np.ndarray], histories: int) -> tuple[np.ndarray, np.ndarray]:
    """(m + 1,) where the candidates of each history begin, and (c,) their rows."""
    return np.searchsorted(candidates[0], np.arange(histories + 1)), read_only(candidates[1])
