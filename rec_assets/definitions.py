"""The code location: what Dagster loads."""

from rec_assets.core.base.long_lived import long_lived

with long_lived():
    import dagster as dg

    from rec_assets.defs.automation import source_change_sensor, weekly_training_schedule
    from rec_assets.defs.console import console
    from rec_assets.defs.jobs import ALL_JOBS, ROOMS
    from rec_assets.defs.shared.executor import step_executor
    from rec_assets.paths import duckdb_threads, memory_limit, storage_base
    from rec_assets.store.asset_store import AssetStore
    from rec_assets.store.duckdb import SharedDuckDB
    from rec_assets.store.io_manager import StoreIOManagerFactory


def build_definitions(base: str) -> dg.Definitions:
    """The code location over the store ``base``, a folder or a URL."""
    # "At launch", because Dagster makes a copy of any other resource for each one that holds it, and there
    # must be one connection.
    duckdb = SharedDuckDB.configure_at_launch(
        memory_limit=memory_limit(),
        threads=duckdb_threads(),
    )
    store = AssetStore.configure_at_launch(base=base, duckdb=duckdb)
    return dg.Definitions(
        assets=[asset for room in ROOMS for asset in room.furnished()],
        asset_checks=[check for room in ROOMS for check in room.checks],
        jobs=ALL_JOBS,
        schedules=[weekly_training_schedule],
        sensors=[source_change_sensor],
        loggers={"console": console},
        resources={"duckdb": duckdb, "store": store, "io_manager": StoreIOManagerFactory(store=store)},
        executor=step_executor(),
    )


with long_lived():
    defs = build_definitions(storage_base())
