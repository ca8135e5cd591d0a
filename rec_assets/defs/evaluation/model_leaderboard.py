"""model_leaderboard: all fitted strategies on the same validation playlists."""

import dagster as dg
import pandas as pd
import pyarrow as pa

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation
from rec_assets.core.evaluation.comparison import LeaderboardSettings, try_contender
from rec_assets.core.evaluation.figures import rank_array
from rec_assets.core.pictures.drawing import as_markdown
from rec_assets.core.pictures.hit_rates import plot_strategy_curves
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.recommender.settings import StrategyName
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.duckdb import SharedDuckDB

_TRAINED = {
    StrategyName.track_vectors: ("track_embeddings",),
    StrategyName.ranker: ("track_embeddings", "track_ranker"),
}


class ModelLeaderboardConfig(dg.Config, LeaderboardSettings):
    """What the leaderboard compares."""


@dg.asset(kinds={"numpy", "parquet"}, code_version="2")
def model_leaderboard(
    context: dg.AssetExecutionContext,
    config: ModelLeaderboardConfig,
    duckdb: SharedDuckDB,
    store: AssetStore,
    recommender: Recommender,
    validation_sequences: Relation,
) -> dg.MaterializeResult[Relation]:
    """One row per fitted strategy: metrics with intervals, answering time, and the ranks behind them."""
    lineage = lineage_of(context, store, config.as_dict())
    held_out = FlatSequences.from_relation(validation_sequences)[: config.leaderboard_playlists]
    rows = []
    for contender in recommender.contenders:
        figures, ranks = try_contender(recommender, contender, held_out)
        context.log.info(f"{contender.label}: hit rate@{recommender.settings.k} {figures['hit_rate']:.4f}")
        own = {
            "training_seconds": _training_seconds(context, contender.strategy),
            "is_chosen": contender == recommender.chosen,
            "ranks": [rank or None for rank in ranks.tolist()],
        }
        rows.append({**figures, **own})
    rows.sort(key=lambda row: -float(row["hit_rate"]))
    table = _table(rows)
    chosen = recommender.chosen.label
    title = f"Hit rate by strategy, {len(held_out):,} validation playlists"
    ranks_by_strategy = {row["strategy"]: rank_array(row["ranks"]) for row in rows}
    picture = plot_strategy_curves(ranks_by_strategy, k=recommender.settings.k, title=title, chosen=chosen)
    metadata = {
        "chosen": chosen,
        "leaderboard": dg.MetadataValue.md(_as_markdown(table)),
        "hit_rate_curves": dg.MetadataValue.md(as_markdown(picture, title)),
    }
    return materialized(duckdb.connect().from_arrow(table), lineage, metadata)


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


def _as_markdown(leaderboard: pa.Table) -> str:
    columns = ["strategy", "hit_rate", "hit_rate_low", "hit_rate_high", "hit_rate_at_10", "mrr", "ndcg"]
    columns += ["catalog_coverage", "median_popularity", "training_seconds", "milliseconds_per_playlist"]
    frame: pd.DataFrame = leaderboard.select(columns).to_pandas()
    return frame.to_markdown(index=False, floatfmt=".4g", missingval="unknown")
