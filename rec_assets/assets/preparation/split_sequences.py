"""train_sequences, validation_sequences and test_sequences: one computation, three assets."""

from collections.abc import Iterator

import dagster as dg

from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.schemas import schema_metadata
from rec_assets.core import splits
from rec_assets.core.relations import Relation
from rec_assets.resources.store import AssetStore
from rec_assets.settings import SplitSettings

_PURPOSES = {
    "train": "The playlists on which the model is trained.",
    "validation": "The playlists by which settings are chosen.",
    "test": "The playlists that measure the final model; nothing is chosen by them.",
}


@dg.multi_asset(
    group_name="preparation",
    outs={
        f"{part}_sequences": dg.AssetOut(
            description=_PURPOSES[part],
            dagster_type=Relation,
            kinds={"duckdb", "parquet"},
            owners=OWNERS,
            code_version="1",
            metadata=schema_metadata(f"{part}_sequences"),
        )
        for part in splits.SPLIT_NAMES
    },
)
def split_sequences(
    context: dg.AssetExecutionContext, config: SplitSettings, store: AssetStore, playlist_sequences: Relation
) -> Iterator[dg.MaterializeResult[Relation]]:
    """Playlists cut into three parts of exact size by a seeded hash of their id."""
    parts = splits.split_sequences(playlist_sequences, shares=config.shares(), seed=config.split_seed)
    for part, sequences in parts.items():
        name = f"{part}_sequences"
        lineage = lineage_of(context, store, config.as_dict(), key=name)
        yield materialized(sequences, lineage, {"share": config.shares()[part]}, key=name)
