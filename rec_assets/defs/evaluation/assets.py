"""Ranks of held-out tracks, hit rates over them and by kind of playlist, all strategies compared, and a report."""

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
from rec_assets.core.evaluation.comparison import (
    TOP,
    LeaderboardSettings,
    compare_contenders,
    example_playlists,
    rank_held_out,
)
from rec_assets.core.evaluation.figures import (
    asked_of,
    rank_array,
    rank_arrays,
    ranks_table,
    rate_text,
    report_hit_rate,
)
from rec_assets.core.evaluation.metrics import hit_rate
from rec_assets.core.evaluation.rivals import best_beside_the_ranker, in_words, rivals_of_ranker
from rec_assets.core.evaluation.slices import SliceRate, slice_rates
from rec_assets.core.pictures.drawing import as_markdown
from rec_assets.core.pictures.hit_rates import plot_slice_rates, plot_strategy_curves
from rec_assets.core.pictures.track_map import draw_track_map
from rec_assets.core.playlists.catalog import with_names
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.recommender.settings import StrategyName
from rec_assets.core.report.assessment import Assessment, build_report
from rec_assets.core.report.page import HtmlPage
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.core.vectors.projection import MapSettings
from rec_assets.defs.evaluation.origin import origin_of
from rec_assets.defs.shared.explained import StepConfig
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.defs.shared.workers import configured_shards
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.duckdb import SharedDuckDB
from rec_assets.store.written import escape_markdown


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


_TRAINED = {
    StrategyName.track_vectors: ("track_embeddings",),
    StrategyName.ranker: ("track_embeddings", "track_ranker"),
}


class ModelLeaderboardConfig(StepConfig, LeaderboardSettings):
    """What the leaderboard compares."""


@dg.asset(kinds={"numpy", "parquet"}, code_version="3")
def model_leaderboard(
    context: dg.AssetExecutionContext,
    config: ModelLeaderboardConfig,
    duckdb: SharedDuckDB,
    store: AssetStore,
    recommender: Recommender,
    validation_sequences: Relation,
) -> dg.MaterializeResult[Relation]:
    """The strategies compared on validation playlists: hit rates with intervals, other metrics, time to answer."""
    lineage = lineage_of(context, store, config.as_dict())
    held_out = FlatSequences.from_relation(validation_sequences)[: config.leaderboard_playlists]
    k, chosen = recommender.settings.k, recommender.chosen.label
    told = log_share(context.log.info)
    compared = compare_contenders(
        recommender,
        held_out,
        lambda name, *done: told(f"playlists ranked by {name}", *done),
        configured_shards(),
    )
    for figures, _ in compared:
        context.log.info(f"{figures['strategy']}: hit rate@{k} {figures['hit_rate']:.4f}")
    ranks = {figures["strategy"]: own for figures, own in compared}
    rivals = rivals_of_ranker(ranks, chosen, k)
    if better := in_words(rivals, chosen):
        context.log.warning(better)
    table = _table([_row(context, recommender, *row) for row in compared])
    title = f"Hit rate by strategy, {len(held_out):,} validation playlists"
    picture = plot_strategy_curves(ranks, k=k, title=title, chosen=chosen)
    metadata = {
        "chosen": chosen,
        **best_beside_the_ranker(rivals),
        "leaderboard": dg.MetadataValue.md(_as_markdown(table, k=k)),
        "hit_rate_curves": dg.MetadataValue.md(as_markdown(picture, title)),
    }
    return materialized(store, duckdb.connect().from_arrow(table), lineage, metadata)


def _row(
    context: dg.AssetExecutionContext, recommender: Recommender, figures: dict[str, Any], ranks: np.ndarray
) -> dict[str, Any]:
    contender = next(one for one in recommender.contenders if one.label == figures["strategy"])
    return {
        **figures,
        "training_seconds": _training_seconds(context, contender.strategy),
        "is_chosen": contender == recommender.chosen,
        "ranks": [rank or None for rank in ranks.tolist()],
    }


def _training_seconds(context: dg.AssetExecutionContext, strategy: StrategyName) -> float | None:
    """The time that training what ``strategy`` needs took; None if the instance knows of no such run."""
    found = [_known_seconds(context.instance, name) for name in _TRAINED.get(strategy, ())]
    known = [seconds for seconds in found if seconds is not None]
    return sum(known) if len(known) == len(found) else None


def _known_seconds(instance: dg.DagsterInstance, asset: str) -> float | None:
    record = instance.get_latest_materialization_event(dg.AssetKey(asset))
    event = record.asset_materialization if record else None
    seconds = event.metadata.get("training_seconds") if event else None
    return float(seconds.value) if isinstance(seconds, dg.FloatMetadataValue) and seconds.value is not None else None


def _table(rows: list[dict]) -> pa.Table:
    table = pa.Table.from_pylist(rows)
    for name, kind in (("k", pa.int32()), ("training_seconds", pa.float64()), ("ranks", pa.list_(pa.int32()))):
        table = table.set_column(table.schema.get_field_index(name), name, table[name].cast(kind))
    return table


def _as_markdown(leaderboard: pa.Table, *, k: int) -> str:
    shown = []
    for row in leaderboard.to_pylist():
        rates = {k: "hit_rate"} | ({TOP: "hit_rate_at_10"} if k > TOP else {})
        figures = {
            f"hit rate@{at} (95 %)": rate_text(*(row[name + end] for end in ("", "_low", "_high")))
            for at, name in rates.items()
        }
        figures |= {"MRR": f"{row['mrr']:.3f}", "NDCG": f"{row['ndcg']:.3f}"}
        recall = row["candidate_recall"]
        figures |= {"candidate recall": f"{recall:.3f}" if recall == recall else "–"}
        figures |= {"coverage": f"{row['catalog_coverage']:.3f}", "median count": row["median_popularity"]}
        seconds = row["training_seconds"]
        figures |= {"training": "unknown" if seconds is None else f"{seconds:.1f} s"}
        shown.append({"strategy": row["strategy"], **figures, "answer": f"{row['milliseconds_per_playlist']:.2f} ms"})
    return tabulate(shown, "keys", "pipe", disable_numparse=True)


class ReportConfig(StepConfig, MapSettings):
    """What the report shows."""


@dg.asset(kinds={"html"}, code_version="4")
def recommendation_report(
    context: dg.AssetExecutionContext,
    config: ReportConfig,
    store: AssetStore,
    track_catalog: Relation,
    track_embeddings: TrackEmbeddings,
    recommender: Recommender,
    validation_sequences: Relation,
    validation_hit_rate: dict,
    test_hit_rate: dict,
    validation_slices: Relation,
    model_leaderboard: Relation,
) -> dg.MaterializeResult[HtmlPage]:
    """A model card: what the model was made from and is for, how good it is, and where it fails. Open its `path` in a
    browser."""
    lineage = lineage_of(context, store, config.as_dict())
    track_map, caption = draw_track_map(track_embeddings, track_catalog, method=config.map_method.value)
    examples = example_playlists(recommender, FlatSequences.from_relation(validation_sequences))
    leaderboard = _rows(model_leaderboard)
    assessment = Assessment(
        origin=origin_of(context.instance, lineage, track_catalog, recommender),
        reports={"validation": validation_hit_rate, "test": test_hit_rate},
        leaderboard=leaderboard,
        strategy_ranks={row["strategy"]: rank_array(row["ranks"]) for row in leaderboard},
        slices=[SliceRate(**row) for row in _rows(validation_slices)],
        examples=with_names(track_catalog, [asdict(track) for track in examples]),
        track_map=(track_map, caption),
        settings={name: facts["settings"] for name, facts in lineage.ancestors.items()},
        versions={name: facts["data_version"] for name, facts in lineage.ancestors.items()},
    )
    metadata = {
        "strategy": validation_hit_rate["strategy"],
        "track_map": dg.MetadataValue.md(f"{as_markdown(track_map, caption)}\n\n{escape_markdown(caption)}"),
    }
    return materialized(store, build_report(assessment), lineage, metadata)


def _rows(table: Relation) -> list[dict[str, Any]]:
    return table.to_arrow_table().to_pylist()
