"""promotion_decision: whether the candidate may take the place of the promoted model, and if not, why."""

from typing import Any

import dagster as dg

from rec_assets.assets.evaluation.recommenders import settings_of_ranks
from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.promotion.failed_checks import failed_checks
from rec_assets.assets.promotion.history import read_history
from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.errors import StoreError
from rec_assets.core.evaluation import rank_arrays
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.lineage import Lineage
from rec_assets.core.plots import as_markdown, plot_promotion_history
from rec_assets.core.promoted import Comparison, Decision, PromotedModel, decide
from rec_assets.core.promoted.catalogs import known_share, own_index, playlist_hashes
from rec_assets.core.promoted.comparing import compare
from rec_assets.core.promoted.history import entry_of
from rec_assets.core.relations import Relation, count_rows
from rec_assets.core.splits import copied_share
from rec_assets.resources.promoted_models import PromotedModels, now
from rec_assets.resources.store import AssetStore
from rec_assets.settings import GateSettings


@dg.asset(
    group_name="promotion",
    kinds={"numpy", "json"},
    owners=OWNERS,
    code_version="1",
)
def promotion_decision(
    context: dg.AssetExecutionContext,
    config: GateSettings,
    store: AssetStore,
    raw_playlists: Relation,
    track_catalog: Relation,
    playlist_sequences: Relation,
    train_sequences: Relation,
    track_embeddings: TrackEmbeddings,
    validation_sequences: Relation,
    validation_ranks: Relation,
    validation_hit_rate: dict,
) -> dg.MaterializeResult[dict]:
    """The candidate against the promoted model: both on the same held-out playlists, and the data of both."""
    version, model = _promoted(PromotedModels(store.base, store.duckdb.scratch_folder), config)
    lineage = lineage_of(context, store, config.as_dict(), content=f"promoted version {version}")
    tables = {"rows": raw_playlists, "playlists": playlist_sequences, "tracks": track_catalog}
    counts = {name: count_rows(table) for name, table in tables.items()}
    counts |= {"training_playlists": count_rows(train_sequences), "vocabulary": len(track_embeddings)}
    candidate = _describe(lineage, validation_hit_rate, counts)
    candidate["copied_share"] = copied_share(train_sequences, validation_sequences)
    comparison = None
    if model is not None:
        k = candidate["k"]
        comparison = _compare(model, store, config, k, track_catalog, validation_sequences, validation_ranks)
    failed = failed_checks(context, lineage.ancestors)
    decision = decide(candidate, model.facts if model else None, comparison, config.bounds(), failed)
    report = {
        "promote": decision.promote,
        "reasons": decision.reasons,
        "compared_with": version,
        "figures": decision.figures,
        "candidate": candidate,
    }
    history = [*read_history(context, store), entry_of(report, at=now())]
    (context.log.info if decision.promote else context.log.error)(_told(decision, version))
    metadata = _metadata(report, decision, version)
    metadata["history"] = dg.MetadataValue.md(as_markdown(plot_promotion_history(history), "Candidates over time"))
    return materialized({**report, "history": history}, lineage, metadata)


def _promoted(models: PromotedModels, config: GateSettings) -> tuple[int | None, PromotedModel | None]:
    """The version that is promoted, and its model; None and None if there is none.

    Raises:
        StoreError: it cannot be read, or is not named, and ``replace_unreadable`` is false.
    """
    try:
        current, stored = models.current(), models.stored()
        # Version 1 alone may be of a first promotion that was cut off before its end.
        if current is None and stored not in ([], [1]):
            raise StoreError(f"versions {', '.join(map(str, stored))} are in {models.base}, but none is current.")
        if current is None:
            return None, None
        model = models.open_current()
        return model.facts["version"], model
    except StoreError as error:
        if config.replace_unreadable:
            current = models.current_or_none()
            return current["version"] if current else None, None
        raise StoreError(
            f"{error} The candidate cannot be compared: go back to a kept version (rec-assets promote VERSION), or "
            "train with replace_unreadable: true."
        ) from error


def _describe(lineage: Lineage, report: dict, counts: dict[str, int]) -> dict[str, Any]:
    """What is kept of a candidate, beside its model."""
    return {
        **{name: report[name] for name in ("strategy", "k", "hit_rate", "interval", "popularity_hit_rate")},
        "validation_playlists": report["playlists"],
        "counts": counts,
        "sample_percent": lineage.sample_percent,
        "dev_run": lineage.is_dev,
        "question": settings_of_ranks(lineage, "validation_ranks", report["k"]).as_dict(),
        "settings": {name: dict(facts["settings"]) for name, facts in lineage.ancestors.items()},
        "data_versions": {name: facts["data_version"] for name, facts in lineage.ancestors.items()},
    }


def _compare(
    model: PromotedModel,
    store: AssetStore,
    config: GateSettings,
    k: int,
    track_catalog: Relation,
    validation_sequences: Relation,
    validation_ranks: Relation,
) -> Comparison:
    mapped = own_index(store.duckdb.connect(), track_catalog, model.names)
    return compare(
        model,
        mapped,
        FlatSequences.from_relation(validation_sequences),
        playlist_hashes(validation_sequences),
        rank_arrays(validation_ranks)["rank"],
        k=k,
        most=config.compared_playlists,
        known_share=known_share(track_catalog, mapped),
    )


def _told(decision: Decision, version: int | None) -> str:
    if decision.promote:
        return "The candidate may be promoted."
    stays = f"version {version} stays" if version else "no model is promoted"
    return f"REFUSED: {stays}, because " + "; and ".join(decision.reasons) + "."


def _metadata(report: dict[str, Any], decision: Decision, version: int | None) -> dict[str, Any]:
    candidate = report["candidate"]
    return {
        "decision": dg.MetadataValue.md(_told(decision, version)),
        "promote": decision.promote,
        "compared_with": version if version is not None else "nothing was promoted yet",
        "hit_rate": candidate["hit_rate"],
        "copied_share": candidate["copied_share"],
        **candidate["counts"],
        **{name: value for name, value in decision.figures.items() if name != "bounds"},
    }
