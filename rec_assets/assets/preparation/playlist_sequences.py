"""playlist_sequences: one row per playlist, its tracks in order."""

import dagster as dg

from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.schemas import schema_metadata
from rec_assets.core.relations import Relation
from rec_assets.core.sequences import build_sequences, count_playlists
from rec_assets.resources.store import AssetStore
from rec_assets.settings import SequencesSettings


@dg.asset(
    group_name="preparation",
    kinds={"duckdb", "parquet"},
    owners=OWNERS,
    code_version="1",
    metadata=schema_metadata("playlist_sequences"),
)
def playlist_sequences(
    context: dg.AssetExecutionContext,
    config: SequencesSettings,
    store: AssetStore,
    raw_playlists: Relation,
    track_catalog: Relation,
) -> dg.MaterializeResult[Relation]:
    """Playlists of at least `min_tracks` tracks, as sequences of track numbers in the order of their rows."""
    lineage = lineage_of(context, store, config.as_dict(), sample_percent=config.sample_percent)
    counts = count_playlists(raw_playlists, **config.as_dict())
    sequences = build_sequences(raw_playlists, track_catalog, **config.as_dict())
    return materialized(sequences, lineage, counts.as_dict())
