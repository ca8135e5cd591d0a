"""What a promoted model recommends after a few tracks, with names and why."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.playlists.titles import word_numbers, words_of
from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.promoted.rules import NO_RULES, Rules
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.recommender.settings import StrategyName
from rec_assets.core.strategies.answers import NO_TRACK
from rec_assets.core.strategies.playlist_knn import PlaylistKnn

# Of a long history only the end is looked at for reasons; what is recommended hangs on it most.
_LATEST, _SHOWN = 20, 3
# More are no recommendation; and so many may be asked for at once.
MOST_TRACKS = 1_000


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
    because: list[Because] = field(default_factory=list)


@dataclass(frozen=True)
class Request:
    """A question of which at least the history or the title is given.

    Attributes:
        history: tracks, by track index and in order.
        k: so many are recommended after them.
        reasons: whether each comes with its reasons.
        title: of the playlist that is asked for; "" = none.
        rules: what may be recommended.
    """

    history: Sequence[int]
    k: int
    reasons: bool = False
    title: str = ""
    rules: Rules = NO_RULES


def known_title_words(model: PromotedModel, title: str) -> list[str]:
    """The words of ``title`` that the ``model`` knows, as it writes them; none if it was fitted without titles."""
    words, known = words_of(title), model.recommender.title_words
    return [] if known is None else list(compress(words, known.knows(word_numbers(words))))


def recommend_after(
    model: PromotedModel, history: Sequence[int], *, k: int, reasons: bool = False
) -> list[Recommendation]:
    """The ``k`` best tracks after the tracks ``history``, by track index and in order; fewer if there are no more."""
    return recommend_after_each(model, [Request(history, k, reasons)])[0]


def recommend_after_each(model: PromotedModel, requests: Sequence[Request]) -> list[list[Recommendation]]:
    """What is recommended to each of ``requests``; those of the same rules are answered together, which is faster."""
    rows = [model.recommender.tracks.row_of[np.asarray(request.history, np.int64)] for request in requests]
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(own) for own in rows])])
    titles = np.array([request.title for request in requests], object)
    asked = FlatSequences(np.arange(len(rows)), np.concatenate(rows), offsets, titles)
    depth = max(request.k for request in requests)
    found: dict[int, list[Recommendation]] = {}
    for rules in dict.fromkeys(request.rules for request in requests):
        places = [place for place, request in enumerate(requests) if request.rules == rules]
        for part, answers in model.answers(asked.at(np.array(places)), k=depth, rules=rules):
            for own, *best in zip(places[part], answers.rows, answers.scores, strict=True):
                found[own] = _recommendations(model, requests[own], rows[own], *best)
    return [found[place] for place in range(len(requests))]


def _recommendations(
    model: PromotedModel, request: Request, history: np.ndarray, rows: np.ndarray, scores: np.ndarray
) -> list[Recommendation]:
    """What is recommended to one history of rows, of the answers ``rows`` (k or more,) and their ``scores``."""
    found, latest = rows[rows != NO_TRACK][: request.k], np.unique(history[-_LATEST:])
    return [
        Recommendation(
            rank=rank,
            artist=artist,
            track=track,
            score=float(score) if np.isfinite(score) else None,
            because=_reasons(model, row, latest) if request.reasons else [],
        )
        for rank, (row, score, (artist, track)) in enumerate(
            zip(found.tolist(), scores.tolist(), _names(model, found), strict=False), start=1
        )
    ]


def _names(model: PromotedModel, rows: np.ndarray) -> list[tuple[str | None, str | None]]:
    return model.names.of(model.recommender.tracks.track_index[rows])


def _reasons(model: PromotedModel, row: int, latest: np.ndarray) -> list[Because]:
    others = latest[latest != row]
    cosines, playlists = _cosines(model.recommender, row, others), _playlists(model.recommender, row, others)
    shared = np.zeros(len(others), np.int64) if playlists is None else playlists
    speaks = np.flatnonzero((shared > 0) | (cosines > 0))
    # NaN, no vector, stands last.
    order = speaks[np.lexsort((-shared[speaks], -np.nan_to_num(cosines[speaks], nan=-2)))][:_SHOWN]
    return [
        Because(
            artist=artist,
            track=track,
            similarity=None if np.isnan(cosines[place]) else float(cosines[place]),
            playlists=None if playlists is None else int(playlists[place]),
        )
        for place, (artist, track) in zip(order, _names(model, others[order]), strict=True)
    ]


def _cosines(recommender: Recommender, row: int, others: np.ndarray) -> np.ndarray:
    """(o,) cosine of two tracks' input vectors; NaN where one has none, or the model was fitted without."""
    vectors = recommender.vectors
    return np.full(len(others), np.nan) if vectors is None else vectors.cosines(row, others)


def _playlists(recommender: Recommender, row: int, others: np.ndarray) -> np.ndarray | None:
    """(o,) training playlists that hold both tracks; None if the model was fitted without them."""
    together = recommender.strategies.get(StrategyName.playlist_knn.value)
    return together.held_together(row, others) if isinstance(together, PlaylistKnn) else None
