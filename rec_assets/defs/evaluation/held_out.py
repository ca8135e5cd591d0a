"""Ranks of held-out tracks, and hit rates over them, also by kind of playlist."""

from dataclasses import asdict
from functools import partial
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
from tabulate import tabulate

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.progress import log_share
from rec_assets.core.base.relations import Relation
from rec_assets.core.evaluation.comparison import rank_held_out
from rec_assets.core.evaluation.figures import asked_of, rank_arrays, ranks_table, rate_text, report_hit_rate
from rec_assets.core.evaluation.metrics import hit_rate
from rec_assets.core.evaluation.slices import slice_rates
from rec_assets.core.pictures.drawing import as_markdown
from rec_assets.core.pictures.hit_rates import plot_slice_rates
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.defs.shared.workers import configured_shards
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.duckdb import SharedDuckDB


def build_part_assets(part: str) -> tuple[dg.AssetsDefinition, dg.AssetsDefinition]:
    """The assets ``<part>_ranks``, over ``<part>_sequences``, and ``<part>_hit_rate``."""

    @dg.asset(
        name=f"{part}_ranks",
        description=f"One row for each {part} playlist: the rank of its last track, which is held out, among the k "
        "tracks recommended after the tracks before it.",
        ins={"sequences": dg.AssetIn(f"{part}_sequences")},
        kinds={"numpy", "parquet"},
        code_version="4",
    )
    def part_ranks(
        context: dg.AssetExecutionContext,
        duckdb: SharedDuckDB,
        store: AssetStore,
        recommender: Recommender,
        sequences: Relation,
    ) -> dg.MaterializeResult[Relation]:
        lineage = lineage_of(context, store, {})
        told = partial(log_share(context.log.info), "playlists ranked")
        result = rank_held_out(recommender, FlatSequences.from_relation(sequences), told, configured_shards())
        strategy = recommender.chosen.label
        playlists = sequences.select("user_id", "playlist").to_arrow_table()
        table = ranks_table(result, playlists, strategy=strategy, k=recommender.settings.k)
        metadata = {
            "strategy": strategy,
            "k": recommender.settings.k,
            "cold_query_share": float(result.query_is_cold.mean()),
            "cold_target_share": float(result.target_is_cold.mean()),
        }
        return materialized(store, duckdb.connect().from_arrow(table), lineage, metadata)

    @dg.asset(
        name=f"{part}_hit_rate",
        description=f"Hit rate@k on the {part} playlists: the share whose held-out track is among the k recommended.",
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
        metadata = {
            "strategy": strategy,
            "hit_rate": report["hit_rate"],
            "hit_rate_interval": "{:.3f} to {:.3f}".format(*report["interval"]),
            **{name: report[name] for name in ("mrr", "ndcg", "k", "playlists")},
            "popularity_hit_rate": report["popularity_hit_rate"],
            "cold_query_share": report["cold_queries"] / report["playlists"],
            "cold_target_share": report["cold_targets"] / report["playlists"],
            "hit_rates": dg.MetadataValue.md(_rates_as_markdown(report, columns["popularity_rank"])),
        }
        marks = {"sample_percent": lineage.sample_percent, "dev_run": lineage.is_dev}
        return materialized(store, {"strategy": strategy, **report, **marks}, lineage, metadata)

    return part_ranks, part_hit_rate


def _rates_as_markdown(report: dict[str, Any], popularity_ranks: np.ndarray) -> str:
    rows = [
        {
            "k": int(at),
            "hit rate@k (95 %)": rate_text(rate, *report["intervals"][at]),
            "popularity": f"{hit_rate(popularity_ranks, k=int(at)):.3f}",
        }
        for at, rate in report["hit_rates"].items()
    ]
    return tabulate(rows, "keys", "pipe")


validation_ranks, validation_hit_rate = build_part_assets("validation")
test_ranks, test_hit_rate = build_part_assets("test")


@dg.asset(kinds={"numpy", "parquet"}, code_version="2")
def validation_slices(
    context: dg.AssetExecutionContext, duckdb: SharedDuckDB, store: AssetStore, validation_ranks: Relation
) -> dg.MaterializeResult[Relation]:
    """Hit rate on kinds of validation playlists: by popularity of the held-out track, length, query and artist."""
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
    return materialized(store, duckdb.connect().from_arrow(table), lineage, metadata)
