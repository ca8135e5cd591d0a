"""Any strategy's answers for many histories, batch by batch, on all cores."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.one_blas_thread import one_blas_thread
from rec_assets.core.strategies.answers import Answers, Strategy
from rec_assets.core.strategies.popularity import Popularity, fill_up
from rec_assets.core.strategies.tracks import Tracks

# Sparse products let go of the interpreter's lock; each batch in work takes memory.
_WORKERS = min(4, os.cpu_count() or 1)


def recommend(
    strategy: Strategy, tracks: Tracks, histories: FlatSequences, *, depth: int, repeats: bool
) -> Iterator[tuple[slice, Answers]]:
    """The ``depth`` best tracks of each history, in batches and in order; a short list is filled up by popularity.

    Args:
        strategy: scores the tracks.
        tracks: what the rows of ``histories`` are.
        histories: sequences of rows, each of at least one.
        depth: tracks recommended.
        repeats: whether tracks of the history may be recommended.
    """
    popularity = Popularity(tracks)

    def answer(part: slice) -> tuple[slice, Answers]:
        asked = histories[part]
        left_out = None if repeats else asked
        with one_blas_thread():
            answers = strategy.score(asked).top(depth, left_out)
        return part, fill_up(answers, popularity.score(asked), left_out)

    parts = [slice(start, start + strategy.batch) for start in range(0, len(histories), strategy.batch)]
    # A thread takes longer to start than some answers.
    if len(parts) == 1:
        yield answer(parts[0])
        return
    with ThreadPoolExecutor(_WORKERS) as workers:
        yield from workers.map(answer, parts)
