"""Rows to sequences, and sequences to a training, a validation and a test part, of which no two share a playlist."""

from collections.abc import Iterator

import dagster as dg

from rec_assets.core.base.relations import Relation
from rec_assets.core.playlists import splits
from rec_assets.core.playlists.repeats import refuse_repeating
from rec_assets.core.playlists.sequences import SequencesSettings, build_sequences, count_playlists
from rec_assets.core.playlists.times import reach_of
from rec_assets.defs.shared.explained import StepConfig
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.defs.shared.room import Room
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.io_manager import explaining, running_sql
from rec_assets.store.written import DescribedTable

_PURPOSES = {
    "train": "The playlists that the model is trained on.",
    "validation": "The playlists that settings are chosen by.",
    "test": "The playlists that the final model is measured on. Nothing is chosen by them.",
}


class PlaylistSequencesConfig(StepConfig, SequencesSettings):
    """Which playlists become sequences."""


@dg.asset(kinds={"duckdb", "parquet"}, code_version="2")
def playlist_sequences(
    context: dg.AssetExecutionContext,
    config: PlaylistSequencesConfig,
    store: AssetStore,
    raw_playlists: Relation,
    track_catalog: Relation,
) -> dg.MaterializeResult[Relation]:
    """Playlists of at least `min_tracks` tracks, each as the numbers of its tracks in order."""
    lineage = lineage_of(context, store, config.as_dict(), sample_percent=config.sample_percent)
    counts = count_playlists(raw_playlists, **config.as_dict())
    database = store.duckdb
    with running_sql(database.scratch_folder):
        sequences = build_sequences(
            database.connect(), raw_playlists, track_catalog, database.scratch_folder, **config.as_dict()
        )
    database.give_back()
    return materialized(store, sequences, lineage, counts)


class SplitConfig(StepConfig, splits.SplitSettings):
    """How playlists are split."""


@dg.multi_asset(
    outs={
        f"{part}_sequences": dg.AssetOut(
            description=purpose, dagster_type=DescribedTable, kinds={"duckdb", "parquet"}, code_version="2"
        )
        for part, purpose in _PURPOSES.items()
    },
)
def split_sequences(
    context: dg.AssetExecutionContext, config: SplitConfig, store: AssetStore, playlist_sequences: Relation
) -> Iterator[dg.MaterializeResult[DescribedTable]]:
    """Playlists cut into three parts of exact size by a seeded hash of their id, or by their time."""
    with explaining(), running_sql(store.duckdb.scratch_folder):
        repeats = refuse_repeating(playlist_sequences, config.max_repeated_share)
        shares = config.shares()
        parts = splits.split_sequences(playlist_sequences, shares=shares, seed=config.split_seed, split=config.split)
    for part, sequences in parts.items():
        name = f"{part}_sequences"
        lineage = lineage_of(context, store, config.as_dict(), key=name)
        table = DescribedTable(sequences, reach_of)
        yield materialized(store, table, lineage, {"share": shares[part], **repeats}, key=name)


@dg.asset_check(
    asset="train_sequences",
    description="No playlist is in two parts, and the parts together are all playlists.",
    additional_ins={
        name: dg.AssetIn(name) for name in ("playlist_sequences", "validation_sequences", "test_sequences")
    },
    blocking=True,
)
def splits_are_disjoint_and_complete(
    playlist_sequences: Relation,
    train_sequences: Relation,
    validation_sequences: Relation,
    test_sequences: Relation,
) -> dg.AssetCheckResult:
    """Counts playlists that are in several parts, in none, or in a part but not in the whole."""
    parts = train_sequences.union(validation_sequences).union(test_sequences)
    misplaced = splits.count_misplaced(playlist_sequences, parts)
    return dg.AssetCheckResult(passed=not any(misplaced.values()), metadata=misplaced)


PREPARATION = Room(
    "2_preparation",
    [playlist_sequences, split_sequences],
    {"playlist_sequences": PlaylistSequencesConfig, "split_sequences": SplitConfig},
    [splits_are_disjoint_and_complete],
)
