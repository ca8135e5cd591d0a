"""The code location: what Dagster loads."""

import os

import dagster as dg

from rec_assets.assets import ALL_ASSETS
from rec_assets.checks import ALL_CHECKS
from rec_assets.console import console
from rec_assets.jobs import ALL_JOBS
from rec_assets.paths import duckdb_threads, storage_base
from rec_assets.resources.duckdb import SharedDuckDB
from rec_assets.resources.io_manager import StoreIOManagerFactory
from rec_assets.resources.store import AssetStore
from rec_assets.schedules import weekly_training_schedule
from rec_assets.sensors import source_change_sensor


def build_definitions(base: str) -> dg.Definitions:
    """The code location over the store ``base``, a folder or a URL."""
    # "At launch", because Dagster makes a copy of any other resource for each one that holds it, and there
    # must be one connection.
    duckdb = SharedDuckDB.configure_at_launch(
        memory_limit=os.environ.get("REC_ASSETS_MEMORY_LIMIT") or "400MB",
        threads=duckdb_threads(),
    )
    store = AssetStore.configure_at_launch(base=base, duckdb=duckdb)
    return dg.Definitions(
        assets=ALL_ASSETS,
        asset_checks=ALL_CHECKS,
        jobs=ALL_JOBS,
        schedules=[weekly_training_schedule],
        sensors=[source_change_sensor],
        loggers={"console": console},
        resources={"duckdb": duckdb, "store": store, "io_manager": StoreIOManagerFactory(store=store)},
        # A step in a process of its own imports pandas, duckdb and gensim again: a job of 190,000 rows takes 52 s
        # that way, 20 s with a preloaded fork server, and under 8 s in one process.
        executor=dg.in_process_executor,
    )


defs = build_definitions(storage_base())
