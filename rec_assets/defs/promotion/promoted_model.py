"""promoted_model, the model that readers use, and playlist_recommendations, what it recommends to every playlist."""

from typing import Any

import dagster as dg

from rec_assets.core.base.errors import DataError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation
from rec_assets.core.promoted.comparing import own_index
from rec_assets.core.promoted.model import names_of_catalog
from rec_assets.core.promoted.recommendations import RecommendationsSettings, recommend_to_all
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.defs.shared.materialized import described, lineage_of, materialized
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.promoted_models import PromotionSettings, kept_versions


class PromotedModelConfig(dg.Config, PromotionSettings):
    """What is kept of promoted models."""


@dg.asset(kinds={"numpy", "safetensors"}, code_version="2")
def promoted_model(
    context: dg.AssetExecutionContext,
    config: PromotedModelConfig,
    store: AssetStore,
    promotion_decision: dict,
    track_catalog: Relation,
    recommender: Recommender,
) -> dg.MaterializeResult:
    """The candidate, past the gate, with the index of its tracks' names as a new version; earlier ones are kept."""
    lineage = lineage_of(context, store, config.as_dict())
    models = store.promoted_models
    _require_still_valid(promotion_decision, models.current_or_none())
    version = models.next_version()
    facts = {"version": version, **promotion_decision["candidate"], "figures": promotion_decision["figures"]}
    target = models.add(recommender, names_of_catalog(track_catalog, recommender.tracks), facts, lineage)
    kept = kept_versions(models.known(), version, count=config.kept_versions)
    # Somebody may have gone back to another version while this one was being made.
    _require_still_valid(promotion_decision, models.current_or_none())
    models.point_to(version, by="gate", kept=kept)
    try:
        removed = models.remove_all_but(kept)
        context.log.info(f"version {version} is promoted; kept {kept}, removed {removed or 'none'}")
    except OSError as error:
        context.log.warning(f"version {version} is promoted, but older ones could not be removed: {error}")
    metadata = {
        "version": version,
        "hit_rate": facts["hit_rate"],
        "strategy": facts["strategy"],
        **facts["counts"],
        "kept_versions": ", ".join(map(str, kept)),
        "model_path": dg.MetadataValue.path(str(target)),
        "model_bytes": target.stat().st_size,
    }
    return described(lineage, metadata)


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


def _require_still_valid(decision: dict[str, Any], current: dict[str, Any] | None) -> None:
    """Refuses a decision against the candidate, or one about another model than the one that is promoted now."""
    if not decision["promote"]:
        raise DataError("the candidate was refused: " + "; and ".join(decision["reasons"]) + ".")
    found = current["version"] if current else None
    if found != decision["compared_with"]:
        raise DataError(
            f"promotion_decision compared the candidate with version {decision['compared_with']}, but version {found} "
            "is promoted now. Materialize promotion_decision again."
        )
