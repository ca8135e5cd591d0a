"""Where a step stands, in the log: a step that says nothing for minutes is taken for dead."""

import time
from collections.abc import Callable

import dagster as dg

from rec_assets.core.vectors.word2vec import REPORT_SECONDS


def log_share(context: dg.AssetExecutionContext) -> Callable[[str, int, int], None]:
    """Logs how many of what are done, and which share, when five seconds have passed since it last did."""
    last = time.monotonic()

    def log(what: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= REPORT_SECONDS:
            last = time.monotonic()
            context.log.info(f"{done:,} of {total:,} {what}, {done / total:.0%} done")

    return log
