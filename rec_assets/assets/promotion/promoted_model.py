"""promoted_model: the model that readers use."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import dagster as dg

from rec_assets.assets.evaluation.recommenders import build_recommender
from rec_assets.assets.freshness import WEEKLY
from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.errors import DataError
from rec_assets.core.promoted.build import build_promoted
from rec_assets.core.promoted.catalogs import names_of_catalog, training_hashes
from rec_assets.core.ranker import Ranker
from rec_assets.core.relations import Relation
from rec_assets.resources.promoted_models import PromotedModels, kept_versions, now
from rec_assets.resources.store import AssetStore
from rec_assets.settings import PromotionSettings, RanksSettings


@dg.asset(
    group_name="promotion",
    kinds={"numpy", "safetensors"},
    owners=OWNERS,
    code_version="1",
    freshness_policy=WEEKLY,
)
def promoted_model(
    context: dg.AssetExecutionContext,
    config: PromotionSettings,
    store: AssetStore,
    promotion_decision: dict,
    track_catalog: Relation,
    train_sequences: Relation,
    track_embeddings: TrackEmbeddings,
    track_ranker: Ranker,
) -> Iterator[dg.MaterializeResult[dict]]:
    """The candidate, past the gate, as one file with all that recommending takes; earlier versions are kept."""
    lineage = lineage_of(context, store, config.as_dict())
    models = PromotedModels(store.base, store.duckdb.scratch_folder)
    _require_still_valid(promotion_decision, models.current_or_none())
    candidate, version = promotion_decision["candidate"], models.next_version()
    facts = {"version": version, **candidate, "figures": promotion_decision["figures"]}
    recommender = build_recommender(context, track_catalog, train_sequences, track_embeddings, track_ranker)
    asked = RanksSettings(**candidate["question"])
    model = build_promoted(
        recommender,
        asked.contender(),
        names_of_catalog(track_catalog, recommender.tracks),
        depth=asked.k,
        trained_on=training_hashes(train_sequences),
        # The file must be able to become the current one again without Dagster, so its lineage goes with it.
        facts={**facts, "lineage": asdict(lineage)},
    )
    target = models.add(model)
    kept = kept_versions(models.known(), version, count=config.kept_versions)
    metadata = {
        "version": version,
        "hit_rate": facts["hit_rate"],
        "strategy": facts["strategy"],
        **facts["counts"],
        "kept_versions": ", ".join(map(str, kept)),
        "model_path": dg.MetadataValue.path(str(target)),
        "model_bytes": target.stat().st_size,
    }
    pointer = {**facts, "promoted_at": now(), "promoted_by": "gate", "kept": kept}
    # Somebody may have gone back to another version while this one was being made.
    _require_still_valid(promotion_decision, models.current_or_none())
    yield materialized(pointer, lineage, metadata)
    # Only now do readers know the new version; had that failed, the old one must still be there.
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
