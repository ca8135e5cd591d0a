"""The ranks of held-out tracks, the hit rates over them, and the hit rates by kind of playlist."""

from dataclasses import asdict

import dagster as dg
import pyarrow as pa

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation
from rec_assets.core.evaluation.comparison import rank_held_out
from rec_assets.core.evaluation.figures import asked_of, rank_arrays, ranks_table, report_hit_rate
from rec_assets.core.evaluation.metrics import hit_rate
from rec_assets.core.evaluation.slices import slice_rates
from rec_assets.core.pictures.drawing import as_markdown
from rec_assets.core.pictures.hit_rates import plot_hit_rate_curve, plot_slice_rates
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.duckdb import SharedDuckDB


def build_ranks_asset(part: str) -> dg.AssetsDefinition:
    """The asset ``<part>_ranks`` over ``<part>_sequences``."""

    @dg.asset(
        name=f"{part}_ranks",
        description=f"One row per {part} playlist: the place of its last track among the k that are recommended after "
        "the tracks before it.",
        ins={"sequences": dg.AssetIn(f"{part}_sequences")},
        kinds={"numpy", "parquet"},
        code_version="3",
    )
    def ranks(
        context: dg.AssetExecutionContext,
        duckdb: SharedDuckDB,
        store: AssetStore,
        recommender: Recommender,
        sequences: Relation,
    ) -> dg.MaterializeResult[Relation]:
        lineage = lineage_of(context, store, {})
        result = rank_held_out(recommender, FlatSequences.from_relation(sequences))
        strategy = recommender.chosen.label
        table = ranks_table(result, strategy=strategy, k=recommender.settings.k)
        metadata = {
            "strategy": strategy,
            "k": recommender.settings.k,
            "cold_query_share": float(result.query_is_cold.mean()),
            "cold_target_share": float(result.target_is_cold.mean()),
        }
        return materialized(duckdb.connect().from_arrow(table), lineage, metadata)

    return ranks


def build_hit_rate_asset(part: str) -> dg.AssetsDefinition:
    """The asset ``<part>_hit_rate`` over ``<part>_ranks``."""

    @dg.asset(
        name=f"{part}_hit_rate",
        description=f"Hit rate@k over the {part} playlists.",
        ins={"ranks": dg.AssetIn(f"{part}_ranks")},
        kinds={"numpy", "json"},
        code_version="3",
    )
    def part_hit_rate(
        context: dg.AssetExecutionContext, store: AssetStore, ranks: Relation
    ) -> dg.MaterializeResult[dict]:
        lineage = lineage_of(context, store, {})
        strategy, k = asked_of(ranks)
        columns = rank_arrays(ranks)
        report = report_hit_rate(columns, k=k)
        title = f"Hit rate of {strategy} on {report['playlists']:,} {part} playlists"
        if lineage.is_dev:
            title += f" (dev run, {lineage.sample_percent:g} %)"
        picture = plot_hit_rate_curve(columns["rank"], columns["popularity_rank"], k=k, title=title, label=strategy)
        metadata = {
            "strategy": strategy,
            "hit_rate": report["hit_rate"],
            "hit_rate_interval": "{:.4f} to {:.4f}".format(*report["interval"]),
            **{name: report[name] for name in ("mrr", "ndcg", "k", "playlists")},
            "popularity_hit_rate": report["popularity_hit_rate"],
            "cold_query_share": report["cold_queries"] / report["playlists"],
            "cold_target_share": report["cold_targets"] / report["playlists"],
            "hit_rate_curve": dg.MetadataValue.md(as_markdown(picture, title)),
        }
        marks = {"sample_percent": lineage.sample_percent, "dev_run": lineage.is_dev}
        return materialized({"strategy": strategy, **report, **marks}, lineage, metadata)

    return part_hit_rate


validation_ranks = build_ranks_asset("validation")
test_ranks = build_ranks_asset("test")
validation_hit_rate = build_hit_rate_asset("validation")
test_hit_rate = build_hit_rate_asset("test")


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
