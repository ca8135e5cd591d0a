"""Where a step stands, in the log: a step that says nothing for minutes is taken for dead."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import dagster as dg

from rec_assets.core.base.progress import REPORT_SECONDS, time_left
from rec_assets.core.base.relations import Connection


def log_share(context: dg.AssetExecutionContext) -> Callable[[str, int, int], None]:
    """Logs how many of what are done, and the time left, when five seconds have passed since it last did.

    The time left goes by what was done since the first call for the same "what".
    """
    said = began = time.monotonic()
    counted, first, before = "", 0, 0

    def log(what: str, done: int, total: int) -> None:
        nonlocal said, began, counted, first, before
        now = time.monotonic()
        if what != counted or done < before:
            counted, began, first = what, now, done
        before = done
        if now - said >= REPORT_SECONDS:
            said = now
            left = f", {time_left((now - began) * (total - done) / (done - first))}" if first < done < total else ""
            context.log.info(f"{done:,} of {total:,} {what}{left}")

    return log


@contextmanager
def log_queries(context: dg.AssetExecutionContext, connection: Connection, what: str) -> Iterator[None]:
    """Logs as :func:`log_share` does how many percent of each query of the block DuckDB has done."""
    log, over = log_share(context), threading.Event()

    def look() -> None:
        while not over.wait(1):
            log(f"percent of {what}", max(0, int(connection.query_progress())), 100)

    # Counted, and not drawn on the console.
    connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
