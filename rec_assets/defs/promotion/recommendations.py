"""What the promoted model recommends to every playlist."""

from functools import partial

import dagster as dg

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.progress import log_share
from rec_assets.core.base.relations import Relation
from rec_assets.core.promoted.batch import RecommendationsSettings, recommend_to_all
from rec_assets.core.promoted.comparing import own_index
from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.promoted.named_rules import unknown_artist_sentence
from rec_assets.defs.shared.explained import StepConfig
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.defs.shared.workers import configured_shards
from rec_assets.store.asset_store import AssetStore


class PlaylistRecommendationsConfig(StepConfig, RecommendationsSettings):
    """What is recommended to every playlist."""


@dg.asset(kinds={"numpy", "parquet"}, code_version="4")
def playlist_recommendations(
    context: dg.AssetExecutionContext,
    config: PlaylistRecommendationsConfig,
    store: AssetStore,
    promoted_model: dict,
    track_catalog: Relation,
    playlist_sequences: Relation,
) -> dg.MaterializeResult[Relation]:
    """The best next tracks for every playlist, by the promoted model."""
    lineage = lineage_of(context, store, config.as_dict(), apart={"promoted_model"})
    model = store.promoted_models.open(promoted_model["version"], again=True)
    names = playlist_sequences.select("user_id", "playlist").to_arrow_table()
    known, entries = _known(store, model, track_catalog, playlist_sequences)
    unknown = entries - len(known.values)
    silent = int(((known.lengths() == 0) & ~model.recommender.has_known_title(known)).sum())
    if unknown:
        context.log.warning(
            f"the promoted model does not know {unknown:,} of {entries:,} entries of the playlists; "
            f"{silent:,} playlists hold none that it knows, nor a title that it knows, and get what is popular."
        )
    found = config.rules(model.names)
    for artist in found.unknown_artists:
        context.log.warning(f"a rule has no effect: {unknown_artist_sentence(artist)}")
    told = partial(log_share(context.log.info), "playlists recommended to")
    batches = recommend_to_all(
        model,
        known,
        names,
        depth=config.recommended_tracks,
        rules=found.rules,
        on_progress=told,
        shards=configured_shards(),
    )
    metadata = {
        "version": promoted_model["version"],
        "playlists": len(known),
        "unknown_entries": unknown,
        "answered_by_popularity": silent,
        "unknown_artists_in_rules": len(found.unknown_artists),
    }
    return materialized(store, store.duckdb.connect().from_arrow(batches), lineage, metadata)


def _known(
    store: AssetStore, model: PromotedModel, track_catalog: Relation, playlist_sequences: Relation
) -> tuple[FlatSequences, int]:
    """The playlists as rows, without the tracks that ``model`` does not know, and how many entries they have with them.

    What it takes to compare the names of all tracks is not kept for the minutes that the answers take.
    """
    playlists = FlatSequences.from_relation(playlist_sequences)
    known = model.known_rows(playlists, own_index(store.duckdb.connect(), track_catalog, model.names))
    store.duckdb.give_back()
    return known, len(playlists.values)
