"""validation_slices: where the recommender hits, and where it does not."""

from dataclasses import asdict

import dagster as dg
import pyarrow as pa

from rec_assets.core.base.relations import Relation
from rec_assets.core.evaluation.figures import asked_of, rank_arrays
from rec_assets.core.evaluation.metrics import hit_rate
from rec_assets.core.evaluation.slices import slice_rates
from rec_assets.core.pictures import as_markdown, plot_slice_rates
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.duckdb import SharedDuckDB


@dg.asset(kinds={"numpy", "parquet"}, code_version="2")
def validation_slices(
    context: dg.AssetExecutionContext, duckdb: SharedDuckDB, store: AssetStore, validation_ranks: Relation
) -> dg.MaterializeResult[Relation]:
    """Hit rate by popularity of the target, length of the playlist, cold or warm query, and artist."""
    lineage = lineage_of(context, store, {})
    strategy, k = asked_of(validation_ranks)
    columns = rank_arrays(validation_ranks)
    slices = slice_rates(columns, k=k)
    title = f"Hit rate@{k} by slice, {len(columns['rank']):,} validation playlists"
    picture = plot_slice_rates(slices, k=k, title=title, overall=hit_rate(columns["rank"], k=k))
    table = pa.Table.from_pylist([asdict(rate) for rate in slices])
    metadata = {
        "strategy": strategy,
        "k": k,
        "slices": dg.MetadataValue.json([asdict(rate) for rate in slices]),
        "hit_rate_by_slice": dg.MetadataValue.md(as_markdown(picture, title)),
    }
    return materialized(duckdb.connect().from_arrow(table), lineage, metadata)
