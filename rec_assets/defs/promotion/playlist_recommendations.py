"""playlist_recommendations: what the promoted model recommends to every playlist."""

import dagster as dg

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation
from rec_assets.core.promoted.batch import RecommendationsSettings, recommend_to_all
from rec_assets.core.promoted.catalogs import own_index
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.store.asset_store import AssetStore


class PlaylistRecommendationsConfig(dg.Config, RecommendationsSettings):
    """What is recommended to every playlist."""


@dg.asset(kinds={"numpy", "parquet"}, code_version="2")
def playlist_recommendations(
    context: dg.AssetExecutionContext,
    config: PlaylistRecommendationsConfig,
    store: AssetStore,
    promoted_model: dict,
    track_catalog: Relation,
    playlist_sequences: Relation,
) -> dg.MaterializeResult[Relation]:
    """The best tracks after each playlist, streamed; the model may be an older one than the playlists."""
    lineage = lineage_of(context, store, config.as_dict(), apart={"promoted_model"})
    connection = store.duckdb.connect()
    model = store.promoted_models.open(promoted_model["version"], again=True)
    mapped = own_index(connection, track_catalog, model.names)
    playlists = FlatSequences.from_relation(playlist_sequences)
    known = model.known_rows(playlists, mapped)
    unknown = len(playlists.values) - len(known.values)
    silent = int((known.lengths() == 0).sum())
    if unknown:
        context.log.warning(
            f"the promoted model does not know {unknown:,} of {len(playlists.values):,} entries of the playlists; "
            f"{silent:,} playlists hold none that it knows and get what is popular."
        )
    batches = recommend_to_all(model, known, depth=config.recommended_tracks, on_progress=context.log.info)
    metadata = {
        "version": promoted_model["version"],
        "playlists": len(playlists),
        "unknown_entries": unknown,
        "playlists_answered_by_popularity": silent,
    }
    return materialized(connection.from_arrow(batches), lineage, metadata)
