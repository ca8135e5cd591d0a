"""promoted_model: the model that readers use."""

from typing import Any

import dagster as dg

from rec_assets.core.base.errors import DataError
from rec_assets.core.base.relations import Relation
from rec_assets.core.promoted.catalogs import names_of_catalog
from rec_assets.core.recommender import Recommender
from rec_assets.defs.shared.materialized import described, lineage_of
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.promoted_models import PromotedModels, PromotionSettings, kept_versions


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
    _remove_others(context, models, version, kept)
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


def _remove_others(context: dg.AssetExecutionContext, models: PromotedModels, version: int, kept: list[int]) -> None:
    try:
        removed = models.remove_all_but(kept)
    except OSError as error:
        context.log.warning(f"version {version} is promoted, but older ones could not be removed: {error}")
    else:
        context.log.info(f"version {version} is promoted; kept {kept}, removed {removed or 'none'}")


def _require_still_valid(decision: dict[str, Any], current: dict[str, Any] | None) -> None:
    """Refuses a decision against, or about another model than the one that is promoted now."""
    if not decision["promote"]:
        raise DataError("the candidate was refused: " + "; and ".join(decision["reasons"]) + ".")
    found = current["version"] if current else None
    if found != decision["compared_with"]:
        raise DataError(
            f"promotion_decision compared the candidate with version {decision['compared_with']}, but version {found} "
            "is promoted now. Materialize promotion_decision again."
        )
