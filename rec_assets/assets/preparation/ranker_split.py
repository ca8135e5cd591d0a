"""base_sequences and ranker_sequences: the training playlists, a part of them kept aside for the ranker."""

from collections.abc import Iterator

import dagster as dg

from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.schemas import schema_metadata
from rec_assets.core import splits
from rec_assets.core.relations import Relation
from rec_assets.resources.store import AssetStore
from rec_assets.settings import RankerSplitSettings

_PURPOSES = {
    "base": "Training playlists on which the strategies are fitted whose candidates teach the ranker.",
    "ranker": "Training playlists kept aside, on which the ranker learns what to make of those candidates.",
}


@dg.multi_asset(
    group_name="preparation",
    outs={
        f"{part}_sequences": dg.AssetOut(
            description=purpose,
            dagster_type=Relation,
            kinds={"duckdb", "parquet"},
            owners=OWNERS,
            code_version="1",
            metadata=schema_metadata(f"{part}_sequences"),
        )
        for part, purpose in _PURPOSES.items()
    },
)
def split_for_ranker(
    context: dg.AssetExecutionContext, config: RankerSplitSettings, store: AssetStore, train_sequences: Relation
) -> Iterator[dg.MaterializeResult[Relation]]:
    """Training playlists cut into two parts of exact size by a seeded hash of their id."""
    parts = splits.split_sequences(
        train_sequences, shares=config.shares(), seed=config.ranker_split_seed, purpose="ranker"
    )
    for part, sequences in parts.items():
        name = f"{part}_sequences"
        lineage = lineage_of(context, store, config.as_dict(), key=name)
        yield materialized(sequences, lineage, {"share": config.shares()[part]}, key=name)
