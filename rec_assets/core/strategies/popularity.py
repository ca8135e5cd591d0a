"""Any strategy's answers for many histories, filled up with the most frequent tracks of training."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.one_blas_thread import one_blas_thread
from rec_assets.core.strategies.answers import NO_TRACK, Answers, Scores, Strategy
from rec_assets.core.strategies.tracks import Tracks

# The loops let go of the interpreter's lock; each batch in work takes memory.
_MOST_THREADS = 4
_AT_ONCE = 64  # histories, of which one may be so long that all the others take memory for it


@dataclass(frozen=True)
class Popularity:
    """Recommends by training count; tracks that never occur in training are never recommended."""

    tracks: Tracks
    batch = 2_048

    def arrays(self) -> dict[str, np.ndarray]:
        """Nothing: the counts are those of the tracks."""
        return {}

    def score(self, histories: FlatSequences) -> "PopularScores":
        """The same scores for all ``histories``."""
        return PopularScores(self.tracks.count, len(histories))


@dataclass(frozen=True)
class PopularScores:
    """The training counts (t,), falling, as the scores of so many ``histories``."""

    count: np.ndarray
    histories: int

    def top(self, depth: int, left_out: FlatSequences | None = None) -> Answers:
        """See :class:`~rec_assets.core.strategies.answers.Scores`."""
        # They fall, so the first 0 is found without reading them all.
        counted = len(self.count) - int(np.searchsorted(self.count[::-1], 1))
        rows = np.empty((self.histories, depth), np.int32)
        for start in range(0, self.histories, _AT_ONCE):
            part = slice(start, min(start + _AT_ONCE, self.histories))
            own = None if left_out is None else left_out[part]
            rows[part] = _first_but(own, part.stop - part.start, depth, counted)
        return Answers(rows, np.where(rows == NO_TRACK, -np.inf, self.count[rows]).astype(np.float32))

    def at(self, history: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """See :class:`~rec_assets.core.strategies.answers.Scores`."""
        return self.count[rows].astype(np.float32)


def recommend(
    strategy: Strategy,
    tracks: Tracks,
    histories: FlatSequences,
    *,
    depth: int,
    repeats: bool,
    on_scores: Callable[[slice, Scores], None] = lambda part, scores: None,
) -> Iterator[tuple[slice, Answers]]:
    """The ``depth`` best tracks of each history, on up to four cores, batch by batch and in order.

    A short list is filled up by popularity. No history is empty; ``repeats`` says whether its own tracks may be
    recommended. ``on_scores`` is called with the scores of each batch, in any order and on any thread.
    """
    popularity = Popularity(tracks)

    def answer(part: slice) -> tuple[slice, Answers]:
        asked = histories[part]
        left_out = None if repeats else asked
        with one_blas_thread():
            scores = strategy.score(asked)
            answers = scores.top(depth, left_out)
        on_scores(part, scores)
        _fill_up(answers, popularity, asked, repeats=repeats)
        return part, answers

    parts = [slice(start, start + strategy.batch) for start in range(0, len(histories), strategy.batch)]
    # A thread takes longer to start than some answers.
    if len(parts) == 1:
        yield answer(parts[0])
        return
    with ThreadPoolExecutor(_threads()) as workers:
        yield from workers.map(answer, parts)


def _threads() -> int:
    """One per core; where ``OMP_NUM_THREADS`` is this process's share of the cores, as in a task of Ray, so many."""
    share = os.environ.get("OMP_NUM_THREADS", "")
    return min(_MOST_THREADS, int(share) if share.isdecimal() and int(share) else os.cpu_count() or 1)


def _fill_up(answers: Answers, popularity: Popularity, asked: FlatSequences, *, repeats: bool) -> None:
    """Puts popular tracks, in their order, in the empty places of ``answers``."""
    short = np.flatnonzero((answers.rows == NO_TRACK).any(axis=1))
    if len(short) == 0:
        return
    own, histories = answers.rows[short], asked.at(short)
    popular = popularity.score(histories).top(own.shape[1], None if repeats else histories).rows
    first_of = np.arange(len(short))[:, None] * len(popularity.tracks)  # a number for each pair of history and track
    popular[np.isin(first_of + popular, (first_of + own)[own != NO_TRACK])] = NO_TRACK
    free = own == NO_TRACK
    place = np.maximum(np.cumsum(free, axis=1) - 1, 0)
    answers.rows[short] = np.where(free, np.take_along_axis(_in_front(popular), place, 1), own)


def _first_but(left_out: FlatSequences | None, histories: int, depth: int, counted: int) -> np.ndarray:
    """(m, depth) int32: for each of the ``histories`` the first of ``counted`` rows that are not ``left_out``."""
    silent, owner, width = np.empty(0, np.int64), np.empty(0, np.int64), depth
    if left_out is not None:
        owner = left_out.owners()
        is_popular = left_out.values < depth + left_out.lengths()[owner]
        silent, owner = left_out.values[is_popular], owner[is_popular]
        width = max(depth, min(counted, depth + int(np.bincount(owner).max(initial=0))))
    rows = np.tile(np.arange(width, dtype=np.int32), (histories, 1))
    rows[:, counted:] = NO_TRACK
    rows[owner[silent < width], silent[silent < width]] = NO_TRACK
    return _in_front(rows)[:, :depth]


def _in_front(rows: np.ndarray) -> np.ndarray:
    """The tracks of each of ``rows`` (m, w) in their order, and ``NO_TRACK`` behind them."""
    return np.take_along_axis(rows, np.argsort(rows == NO_TRACK, axis=1, kind="stable"), 1)
