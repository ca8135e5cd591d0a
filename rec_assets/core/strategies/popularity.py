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
        answers = Answers.empty(self.histories, depth)
        for history in range(self.histories):
            own = left_out.tracks_of(history) if left_out else ()
            rows = np.arange(min(depth + len(own), counted))
            rows = rows[~np.isin(rows, own)][:depth]
            answers.rows[history, : len(rows)] = rows
            answers.scores[history, : len(rows)] = self.count[rows]
        return answers

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
        _fill_up(answers, popularity.score(asked), left_out)
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


def _fill_up(answers: Answers, popular: PopularScores, left_out: FlatSequences | None) -> None:
    """Puts popular tracks, in their order, in the empty places of ``answers``."""
    short = np.flatnonzero((answers.rows == NO_TRACK).any(axis=1))
    if len(short) == 0:
        return
    others = popular.top(answers.rows.shape[1], left_out).rows
    for history in short:
        own = answers.rows[history]
        free = np.flatnonzero(own == NO_TRACK)
        extra = others[history][(others[history] != NO_TRACK) & ~np.isin(others[history], own)][: len(free)]
        own[free[: len(extra)]] = extra
