"""Both splits: playlists into train, validation and test; and the training playlists into base and ranker."""

from collections.abc import Iterator, Mapping

import dagster as dg

from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.schemas import schema_metadata
from rec_assets.core import splits
from rec_assets.core.relations import Relation
from rec_assets.resources.store import AssetStore
from rec_assets.settings import RankerSplitSettings, SplitSettings


def _outs(purposes: Mapping[str, str]) -> dict[str, dg.AssetOut]:
    """An asset ``<part>_sequences`` for each part, with its description."""
    return {
        f"{part}_sequences": dg.AssetOut(
            description=purpose,
            dagster_type=Relation,
            kinds={"duckdb", "parquet"},
            owners=OWNERS,
            code_version="1",
            metadata=schema_metadata(f"{part}_sequences"),
        )
        for part, purpose in purposes.items()
    }


def _results(
    context: dg.AssetExecutionContext,
    config: SplitSettings | RankerSplitSettings,
    store: AssetStore,
    parts: Mapping[str, Relation],
) -> Iterator[dg.MaterializeResult[Relation]]:
    for part, sequences in parts.items():
        name = f"{part}_sequences"
        lineage = lineage_of(context, store, config.as_dict(), key=name)
        yield materialized(sequences, lineage, {"share": config.shares()[part]}, key=name)


@dg.multi_asset(
    group_name="preparation",
    outs=_outs(
        {
            "train": "The playlists on which the model is trained.",
            "validation": "The playlists by which settings are chosen.",
            "test": "The playlists that measure the final model; nothing is chosen by them.",
        }
    ),
)
def split_sequences(
    context: dg.AssetExecutionContext, config: SplitSettings, store: AssetStore, playlist_sequences: Relation
) -> Iterator[dg.MaterializeResult[Relation]]:
    """Playlists cut into three parts of exact size by a seeded hash of their id."""
    parts = splits.split_sequences(playlist_sequences, shares=config.shares(), seed=config.split_seed)
    yield from _results(context, config, store, parts)


@dg.multi_asset(
    group_name="preparation",
    outs=_outs(
        {
            "base": "Training playlists on which the strategies are fitted whose candidates teach the ranker.",
            "ranker": "Training playlists kept aside, on which the ranker learns what to make of those candidates.",
        }
    ),
)
def split_for_ranker(
    context: dg.AssetExecutionContext, config: RankerSplitSettings, store: AssetStore, train_sequences: Relation
) -> Iterator[dg.MaterializeResult[Relation]]:
    """Training playlists cut into two parts of exact size by a seeded hash of their id."""
    parts = splits.split_sequences(
        train_sequences, shares=config.shares(), seed=config.ranker_split_seed, purpose="ranker"
    )
    yield from _results(context, config, store, parts)
