"""track_catalog: a number for each track, and the only place of names."""

import dagster as dg

from rec_assets.core.base.relations import Relation
from rec_assets.core.playlists.catalog import build_track_catalog
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.store.asset_store import AssetStore


@dg.asset(kinds={"duckdb", "parquet"}, code_version="1")
def track_catalog(
    context: dg.AssetExecutionContext, store: AssetStore, raw_playlists: Relation
) -> dg.MaterializeResult[Relation]:
    """One row per distinct track, numbered from the most frequent; everything downstream holds numbers."""
    return materialized(build_track_catalog(raw_playlists), lineage_of(context, store, {}), {})
