"""What a promoted model recommends after a few tracks, with names, and why."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rec_assets.core.base.errors import SettingsError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.recommender import Recommender, StrategyName
from rec_assets.core.strategies import NO_TRACK, PlaylistKnn, TrackVectors

# Of a long history only the end is looked at for reasons; what is recommended hangs on it most.
_LATEST, _SHOWN = 20, 3


@dataclass(frozen=True)
class Because:
    """A track of the history that speaks for a recommendation.

    Attributes:
        artist, track: its name; None where it is unknown.
        similarity: cosine (-1..1) of the two tracks' vectors; None if one of them has none.
        playlists: training playlists that hold both; None if the model does not know.
    """

    artist: str | None
    track: str | None
    similarity: float | None
    playlists: int | None


@dataclass(frozen=True)
class Recommendation:
    """A recommended track.

    Attributes:
        rank: 1 = best.
        artist, track: its name; None where it is unknown.
        score: falls with the rank; its unit is the strategy's, None where popularity filled up the list.
        because: the tracks of the history that are nearest, nearest first.
    """

    rank: int
    artist: str | None
    track: str | None
    score: float | None
    because: list[Because]


def recommend_after(
    model: PromotedModel, history: Sequence[int], *, k: int, reasons: bool = False
) -> list[Recommendation]:
    """The ``k`` best tracks after the tracks ``history``, by track index and in order; fewer if there are no more.

    Raises:
        SettingsError: the history is empty, or ``k`` is not at least 1.
    """
    if k < 1 or len(history) == 0:
        raise SettingsError(f"k is {k} and {len(history)} tracks ask; expected at least 1 of each.")
    rows = model.recommender.tracks.row_of[np.asarray(history, np.int64)]
    asked = FlatSequences(np.zeros(1, np.int64), rows, np.array([0, len(rows)], np.int64))
    ((_, answers),) = model.answers(asked, depth=k)
    found = answers.rows[0][answers.rows[0] != NO_TRACK]
    latest = np.unique(rows[-_LATEST:])
    return [
        Recommendation(
            rank=rank,
            **_name(model, row),
            score=float(score) if np.isfinite(score) else None,
            because=_reasons(model, row, latest) if reasons else [],
        )
        for rank, (row, score) in enumerate(zip(found.tolist(), answers.scores[0].tolist(), strict=False), start=1)
    ]


def _name(model: PromotedModel, row: int) -> dict[str, str | None]:
    track = int(model.recommender.tracks.track_index[row])
    return {"artist": model.names.artist_of(track), "track": model.names.title_of(track)}


def _reasons(model: PromotedModel, row: int, latest: np.ndarray) -> list[Because]:
    others = latest[latest != row]
    cosines, playlists = _cosines(model.recommender, row, others), _playlists(model.recommender, row, others)
    shared = np.zeros(len(others), np.int64) if playlists is None else playlists
    speaks = np.flatnonzero((shared > 0) | (cosines > 0))
    # NaN, no vector, stands last.
    order = speaks[np.lexsort((-shared[speaks], -np.nan_to_num(cosines[speaks], nan=-2)))][:_SHOWN]
    return [
        Because(
            **_name(model, int(others[place])),
            similarity=None if np.isnan(cosines[place]) else float(cosines[place]),
            playlists=None if playlists is None else int(playlists[place]),
        )
        for place in order
    ]


def _cosines(recommender: Recommender, row: int, others: np.ndarray) -> np.ndarray:
    """(o,) cosine of two tracks' input vectors; NaN where one has none, or the model was fitted without."""
    found = (strategy for strategy in recommender.strategies.values() if isinstance(strategy, TrackVectors))
    vectors = next(found, None)
    return np.full(len(others), np.nan) if vectors is None else vectors.cosines(row, others)


def _playlists(recommender: Recommender, row: int, others: np.ndarray) -> np.ndarray | None:
    """(o,) training playlists that hold both tracks; None if the model was fitted without them."""
    together = recommender.strategies.get(StrategyName.playlist_knn.value)
    return together.held_together(row, others) if isinstance(together, PlaylistKnn) else None
