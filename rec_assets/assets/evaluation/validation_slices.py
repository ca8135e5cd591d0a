"""validation_slices: where the chosen strategy hits, and where it does not."""

from dataclasses import asdict

import dagster as dg
import pyarrow as pa

from rec_assets.assets.evaluation.recommenders import settings_of_ranks
from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.schemas import schema_metadata
from rec_assets.core.evaluation import rank_arrays
from rec_assets.core.metrics import hit_rate
from rec_assets.core.plots import as_markdown, plot_slice_rates
from rec_assets.core.relations import Relation
from rec_assets.core.slices import slice_rates
from rec_assets.resources.duckdb import SharedDuckDB
from rec_assets.resources.store import AssetStore
from rec_assets.settings import HitRateSettings


@dg.asset(
    group_name="evaluation",
    kinds={"numpy", "parquet"},
    owners=OWNERS,
    code_version="1",
    metadata=schema_metadata("validation_slices"),
)
def validation_slices(
    context: dg.AssetExecutionContext,
    config: HitRateSettings,
    duckdb: SharedDuckDB,
    store: AssetStore,
    validation_ranks: Relation,
) -> dg.MaterializeResult[Relation]:
    """Hit rate by popularity of the target, length of the playlist, cold or warm query, and artist."""
    lineage = lineage_of(context, store, config.as_dict())
    settings_of_ranks(lineage, "validation_ranks", config.k)
    columns = rank_arrays(validation_ranks)
    slices = slice_rates(columns, k=config.k)
    title = f"Hit rate@{config.k} by slice, {len(columns['rank']):,} validation playlists"
    picture = plot_slice_rates(slices, k=config.k, title=title, overall=hit_rate(columns["rank"], k=config.k))
    table = pa.Table.from_pylist([asdict(rate) for rate in slices])
    metadata = {
        "slices": dg.MetadataValue.json([asdict(rate) for rate in slices]),
        "hit_rate_by_slice": dg.MetadataValue.md(as_markdown(picture, title)),
    }
    return materialized(duckdb.connect().from_arrow(table), lineage, metadata)
