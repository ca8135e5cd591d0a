"""playlist_recommendations: what the promoted model recommends to every playlist."""

import dagster as dg

from rec_assets.assets.freshness import WEEKLY
from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.schemas import schema_metadata
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.promoted.batch import recommend_to_all
from rec_assets.core.promoted.catalogs import own_index
from rec_assets.core.relations import Relation
from rec_assets.resources.promoted_models import PromotedModels
from rec_assets.resources.store import AssetStore
from rec_assets.settings import RecommendationsSettings


@dg.asset(
    group_name="promotion",
    kinds={"numpy", "parquet"},
    owners=OWNERS,
    code_version="1",
    freshness_policy=WEEKLY,
    metadata=schema_metadata("playlist_recommendations"),
)
def playlist_recommendations(
    context: dg.AssetExecutionContext,
    config: RecommendationsSettings,
    store: AssetStore,
    promoted_model: dict,
    track_catalog: Relation,
    playlist_sequences: Relation,
) -> dg.MaterializeResult[Relation]:
    """The best tracks after each playlist, streamed; the model may be an older one than the playlists."""
    lineage = lineage_of(context, store, config.as_dict(), apart={"promoted_model"})
    connection = store.duckdb.connect()
    model = PromotedModels(store.base, store.duckdb.scratch_folder).open(promoted_model["version"])
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
