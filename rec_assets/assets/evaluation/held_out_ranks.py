"""validation_ranks and test_ranks: where the model ranks each held-out track."""

import dagster as dg
import numpy as np
import pyarrow as pa

from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.schemas import schema_metadata
from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.relations import Relation
from rec_assets.core.retrieval import HeldOutRanks, rank_held_out
from rec_assets.resources.duckdb import SharedDuckDB
from rec_assets.resources.store import AssetStore
from rec_assets.settings import RanksSettings


def build_ranks_asset(part: str) -> dg.AssetsDefinition:
    """The asset ``<part>_ranks`` over ``<part>_sequences``."""

    @dg.asset(
        name=f"{part}_ranks",
        description=f"One row per {part} playlist: the rank of its last track among the k nearest of the track before.",
        ins={"sequences": dg.AssetIn(f"{part}_sequences")},
        group_name="evaluation",
        kinds={"faiss", "parquet"},
        owners=OWNERS,
        code_version="1",
        metadata=schema_metadata(f"{part}_ranks"),
    )
    def ranks(
        context: dg.AssetExecutionContext,
        config: RanksSettings,
        duckdb: SharedDuckDB,
        store: AssetStore,
        track_embeddings: TrackEmbeddings,
        sequences: Relation,
    ) -> dg.MaterializeResult[Relation]:
        lineage = lineage_of(context, store, config.as_dict())
        result = rank_held_out(
            track_embeddings,
            FlatSequences.from_relation(sequences),
            depth=config.k,
            cold_query_seed=config.cold_query_seed,
        )
        metadata = {
            "cold_query_share": float(result.query_is_cold.mean()),
            "cold_target_share": float(result.target_is_cold.mean()),
        }
        return materialized(duckdb.connect().from_arrow(ranks_table(result)), lineage, metadata)

    return ranks


def ranks_table(ranks: HeldOutRanks) -> pa.Table:
    """The ranks as columns, "not found" as null."""

    def nullable(values: np.ndarray) -> pa.Array:
        return pa.array(values, pa.int32(), mask=values == 0)

    return pa.table(
        {
            "playlist_id": pa.array(ranks.playlist_id, pa.string()),
            "query_track": pa.array(ranks.query_track, pa.int32()),
            "target_track": pa.array(ranks.target_track, pa.int32()),
            "rank": nullable(ranks.rank),
            "popularity_rank": nullable(ranks.popularity_rank),
            "query_is_cold": ranks.query_is_cold,
            "target_is_cold": ranks.target_is_cold,
        }
    )


validation_ranks = build_ranks_asset("validation")
test_ranks = build_ranks_asset("test")
