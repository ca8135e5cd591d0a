"""Where a step stands, in the log: a step that says nothing for minutes is taken for dead."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from rec_assets.core.base.progress import log_share
from rec_assets.core.base.relations import Connection


@contextmanager
def log_queries(context: dg.AssetExecutionContext, connection: Connection, what: str) -> Iterator[None]:
    """Logs as :func:`log_share` does how many percent of each query of the block DuckDB has done."""
    log, over = log_share(context.log.info), threading.Event()

    def look() -> None:
        while not over.wait(1):
            done = int(connection.query_progress())
            if done > 0:  # of rows that Python hands over DuckDB knows no end
                log(f"% of {what}", done, 100)

    # Counted, and not drawn on the console.
    connection.execute("SET enable_progress_bar = true; SET enable_progress_bar_print = false")
    watcher = threading.Thread(target=look, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
