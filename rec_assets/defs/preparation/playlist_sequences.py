"""playlist_sequences: one row per playlist, its tracks in order."""

import dagster as dg

from rec_assets.core.base.relations import Relation
from rec_assets.core.playlists.sequences import SequencesSettings, build_sequences, count_playlists
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.store.asset_store import AssetStore


class PlaylistSequencesConfig(dg.Config, SequencesSettings):
    """Which playlists become sequences."""


@dg.asset(kinds={"duckdb", "parquet"}, code_version="1")
def playlist_sequences(
    context: dg.AssetExecutionContext,
    config: PlaylistSequencesConfig,
    store: AssetStore,
    raw_playlists: Relation,
    track_catalog: Relation,
) -> dg.MaterializeResult[Relation]:
    """Playlists of at least `min_tracks` tracks, as sequences of track numbers in the order of their rows."""
    lineage = lineage_of(context, store, config.as_dict(), sample_percent=config.sample_percent)
    counts = count_playlists(raw_playlists, **config.as_dict())
    sequences = build_sequences(raw_playlists, track_catalog, **config.as_dict())
    return materialized(sequences, lineage, counts.as_dict())
