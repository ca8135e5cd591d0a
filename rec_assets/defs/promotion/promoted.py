"""The candidate that may be promoted, as a new version that answers."""

from functools import partial
from typing import Any

import dagster as dg

from rec_assets.core.base.errors import DataError
from rec_assets.core.base.progress import log_share
from rec_assets.core.base.relations import Relation
from rec_assets.core.promoted.model import names_of_catalog
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.defs.promotion.decision import require_promotable
from rec_assets.defs.shared.explained import StepConfig
from rec_assets.defs.shared.materialized import described, lineage_of
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.promoted_models import PromotionSettings, kept_versions


class PromotedModelConfig(StepConfig, PromotionSettings):
    """What is kept of promoted models."""


# Where the instance limits its pools to one, runs promote one after the other; what the second compared is then out of
# date, and it is refused.
@dg.asset(kinds={"numpy", "safetensors"}, code_version="2", pool="promotion")
def promoted_model(
    context: dg.AssetExecutionContext,
    config: PromotedModelConfig,
    store: AssetStore,
    promotion_decision: dict,
    track_catalog: Relation,
    recommender: Recommender,
) -> dg.MaterializeResult:
    """The model that answers, as a new version with a search index of its tracks' names. Earlier versions are kept."""
    lineage = lineage_of(context, store, config.as_dict())
    models = store.promoted_models
    _require_still_valid(promotion_decision, models.current_or_none())
    version = models.next_version()
    facts = {"version": version, **promotion_decision["candidate"], "figures": promotion_decision["figures"]}
    context.log.info(f"indexing the names of {len(recommender.tracks):,} tracks")
    told = partial(log_share(context.log.info), "names indexed")
    target = models.add(recommender, names_of_catalog(track_catalog, recommender.tracks, told), facts, lineage)
    # Somebody may have gone back to another version while this one was being made.
    over = models.stamp()
    kept = kept_versions(models.known(), version, count=config.kept_versions)
    _require_still_valid(promotion_decision, models.current_or_none())
    models.point_to(version, by="gate", kept=kept, over=over)
    try:
        removed = models.remove_all_but(models.known())
        context.log.info(f"version {version} is promoted; kept {kept}, removed {removed or 'none'}")
    except OSError as error:
        context.log.warning(f"version {version} is promoted, but older ones could not be removed: {error}")
    metadata = {
        **{name: facts[name] for name in ("version", "hit_rate", "strategy")},
        **facts["counts"],
        "kept_versions": ", ".join(map(str, kept)),
        "model_path": dg.MetadataValue.path(str(target)),
        "model_bytes": target.stat().st_size,
    }
    return described(store, lineage, metadata)


def _require_still_valid(decision: dict[str, Any], current: dict[str, Any] | None) -> None:
    """Refuses a decision against the candidate, or one about another model than the one that is promoted now."""
    require_promotable(decision)
    found = current["version"] if current else None
    if found != decision["compared_with"]:
        raise DataError(
            f"promotion_decision compared the candidate with version {decision['compared_with']}, but version {found} "
            "is promoted now. Materialize promotion_decision again."
        )
