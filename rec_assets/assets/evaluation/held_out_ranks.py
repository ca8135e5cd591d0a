"""validation_ranks and test_ranks: at which place the chosen strategy recommends each held-out track."""

import dagster as dg

from rec_assets.assets.evaluation.recommenders import build_recommender, ranks_table
from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.schemas import schema_metadata
from rec_assets.core.comparison import rank_held_out
from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.ranker import Ranker
from rec_assets.core.relations import Relation
from rec_assets.resources.duckdb import SharedDuckDB
from rec_assets.resources.store import AssetStore
from rec_assets.settings import RanksSettings


def build_ranks_asset(part: str) -> dg.AssetsDefinition:
    """The asset ``<part>_ranks`` over ``<part>_sequences``."""

    @dg.asset(
        name=f"{part}_ranks",
        description=f"One row per {part} playlist: the place of its last track among the k that the chosen strategy "
        "recommends after the tracks before it.",
        ins={"sequences": dg.AssetIn(f"{part}_sequences")},
        group_name="evaluation",
        kinds={"numpy", "parquet"},
        owners=OWNERS,
        code_version="2",
        metadata=schema_metadata(f"{part}_ranks"),
    )
    def ranks(
        context: dg.AssetExecutionContext,
        config: RanksSettings,
        duckdb: SharedDuckDB,
        store: AssetStore,
        track_catalog: Relation,
        train_sequences: Relation,
        track_embeddings: TrackEmbeddings,
        track_ranker: Ranker,
        sequences: Relation,
    ) -> dg.MaterializeResult[Relation]:
        lineage = lineage_of(context, store, config.as_dict())
        recommender = build_recommender(context, track_catalog, train_sequences, track_embeddings, track_ranker)
        chosen, held_out = config.contender(), FlatSequences.from_relation(sequences)
        result = rank_held_out(recommender, chosen, held_out, k=config.k)
        metadata = {
            "strategy": chosen.label,
            "cold_query_share": float(result.query_is_cold.mean()),
            "cold_target_share": float(result.target_is_cold.mean()),
        }
        return materialized(duckdb.connect().from_arrow(ranks_table(result)), lineage, metadata)

    return ranks


validation_ranks = build_ranks_asset("validation")
test_ranks = build_ranks_asset("test")
