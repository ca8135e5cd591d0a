"""How far training is, in the event log."""

from collections.abc import Callable

import dagster as dg

from rec_assets.core.vectors.word2vec import TrainingProgress


def log_epochs(context: dg.AssetExecutionContext) -> Callable[[TrainingProgress], None]:
    """Logs where the training of vectors stands."""

    def log(progress: TrainingProgress) -> None:
        context.log.info(
            f"epoch {progress.epoch}/{progress.epochs}, {progress.share_done:.0%} done, "
            f"{progress.words_per_second:,.0f} words/s, {progress.seconds_left:,.0f} s left"
        )

    return log


def log_tenths(context: dg.AssetExecutionContext) -> Callable[[int, int], None]:
    """Logs each tenth of the examples of a ranker."""
    last = -1

    def log(done: int, examples: int) -> None:
        nonlocal last
        if 10 * done // examples > last:
            last = 10 * done // examples
            context.log.info(f"candidates of {done:,} of {examples:,} histories")

    return log
