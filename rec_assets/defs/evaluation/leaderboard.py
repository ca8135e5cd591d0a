"""All strategies compared."""

from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa
from tabulate import tabulate

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.progress import log_share
from rec_assets.core.base.relations import Relation
from rec_assets.core.evaluation.comparison import TOP, LeaderboardSettings, compare_contenders
from rec_assets.core.evaluation.figures import rate_text
from rec_assets.core.evaluation.rivals import best_other, in_words, rivals_of
from rec_assets.core.pictures.drawing import as_markdown
from rec_assets.core.pictures.hit_rates import plot_strategy_curves
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.recommender.settings import StrategyName
from rec_assets.defs.shared.explained import StepConfig
from rec_assets.defs.shared.materialized import last_metadata, lineage_of, materialized
from rec_assets.defs.shared.workers import configured_shards
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.duckdb import SharedDuckDB

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
    rivals = rivals_of(chosen, ranks, k)
    if better := in_words(chosen, rivals):
        context.log.warning(better)
    table = _table([_row(context, recommender, *row) for row in compared])
    title = f"Hit rate by strategy, {len(held_out):,} validation playlists"
    picture = plot_strategy_curves(ranks, k=k, title=title, chosen=chosen)
    metadata = {
        "chosen": chosen,
        **best_other(rivals),
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
    seconds = last_metadata(instance, asset).get("training_seconds")
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
