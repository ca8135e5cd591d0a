"""validation_ranks and test_ranks: at which place the recommender has each held-out track."""

import dagster as dg

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation
from rec_assets.core.evaluation.comparison import rank_held_out
from rec_assets.core.evaluation.figures import ranks_table
from rec_assets.core.recommender import Recommender
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


validation_ranks = build_ranks_asset("validation")
test_ranks = build_ranks_asset("test")
