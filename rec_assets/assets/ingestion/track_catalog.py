"""track_catalog: a number for each track, and the only place of names."""

import dagster as dg

from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.schemas import schema_metadata
from rec_assets.core.catalog import build_track_catalog
from rec_assets.core.relations import Relation
from rec_assets.resources.store import AssetStore


@dg.asset(
    group_name="ingestion",
    kinds={"duckdb", "parquet"},
    owners=OWNERS,
    code_version="1",
    metadata=schema_metadata("track_catalog"),
)
def track_catalog(
    context: dg.AssetExecutionContext, store: AssetStore, raw_playlists: Relation
) -> dg.MaterializeResult[Relation]:
    """One row per distinct track, numbered from the most frequent; everything downstream holds numbers."""
    return materialized(build_track_catalog(raw_playlists), lineage_of(context, store, {}), {})
