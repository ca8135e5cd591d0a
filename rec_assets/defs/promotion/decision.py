"""Whether a candidate may replace the promoted model."""

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import Any

import dagster as dg

from rec_assets.core.base.errors import DataError, StoreError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.lineage import Lineage
from rec_assets.core.base.progress import log_share
from rec_assets.core.base.relations import Relation, count_rows, fetch_row
from rec_assets.core.evaluation.figures import rank_arrays
from rec_assets.core.evaluation.repetition import Repetition
from rec_assets.core.pictures.drawing import as_markdown
from rec_assets.core.pictures.hit_rates import plot_promotion_history
from rec_assets.core.playlists.splits import copied_share
from rec_assets.core.promoted.comparing import compare, known_share, own_index
from rec_assets.core.promoted.gate import Decision, GateSettings, decide, entry_of
from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.defs.shared.explained import StepConfig
from rec_assets.defs.shared.materialized import lineage_of, materialized, rounded
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.io_manager import explaining
from rec_assets.store.promoted_models import PromotedModels, now
from rec_assets.store.written import wrapped_markdown

_LONGEST_HISTORY = 500


class PromotionDecisionConfig(StepConfig, GateSettings):
    """The bounds within which a candidate may replace the promoted model."""


@dg.asset(kinds={"numpy", "json"}, code_version="3")
def promotion_decision(
    context: dg.AssetExecutionContext,
    config: PromotionDecisionConfig,
    store: AssetStore,
    track_catalog: Relation,
    playlist_sequences: Relation,
    train_sequences: Relation,
    recommender: Recommender,
    validation_sequences: Relation,
    validation_ranks: Relation,
    validation_hit_rate: dict,
    model_leaderboard: Relation,
) -> dg.MaterializeResult[dict]:
    """Whether the new model may replace the promoted one: measured on the same playlists, and their data compared."""
    version, model = _promoted(store.promoted_models, config)
    lineage = lineage_of(context, store, config.as_dict(), content=f"promoted version {version}")
    counts = {
        "rows": fetch_row(track_catalog.aggregate("sum(occurrences)::BIGINT"))[0],
        "playlists": count_rows(playlist_sequences),
        "tracks": count_rows(track_catalog),
        "training_playlists": count_rows(train_sequences),
        "vocabulary": int(recommender.has_vector.sum()),
    }
    candidate = _describe(lineage, recommender, validation_hit_rate, counts)
    candidate["copied_share"] = copied_share(train_sequences, validation_sequences)
    candidate["only_repeats"] = Repetition.of(model_leaderboard).in_words()
    comparison = None
    if model is not None:
        mapped = own_index(store.duckdb.connect(), track_catalog, model.names)
        comparison = compare(
            model,
            mapped,
            FlatSequences.from_relation(validation_sequences),
            rank_arrays(validation_ranks)["rank"],
            k=candidate["k"],
            most=config.compared_playlists,
            known_share=known_share(track_catalog, mapped),
            on_progress=partial(log_share(context.log.info), "playlists ranked by the promoted model"),
        )
    failed = _failed_checks(context, lineage.ancestors)
    decision = decide(candidate, model.facts if model else None, comparison, config, failed)
    report = {**vars(decision), "compared_with": version, "candidate": candidate}
    history = [*_read_history(context, store), entry_of(report, at=now())]
    (context.log.info if decision.promote else context.log.error)(_sentence(decision, version))
    metadata = _metadata(report, decision, version)
    metadata["history"] = dg.MetadataValue.md(as_markdown(plot_promotion_history(history), "Candidates over time"))
    return materialized(store, {**report, "history": history}, lineage, metadata)


@dg.asset_check(  # pyright: ignore[reportArgumentType]  # that it yields, Dagster takes and does not say
    asset=promotion_decision,
    description="Nothing speaks against the candidate: its checks passed, its data are like the promoted model's, and "
    "its hit rate on the same playlists is no lower. Where this fails, the promoted model stays.",
    blocking=True,
)
def candidate_may_be_promoted(promotion_decision: dict) -> Iterator[dg.AssetCheckResult]:
    """Fails with the reasons of the decision, and raises them, or the run would end with the check's name alone."""
    figures = {name: rounded(value) for name, value in promotion_decision["figures"].items() if name != "bounds"}
    yield dg.AssetCheckResult(
        passed=promotion_decision["promote"],
        description="; and ".join(promotion_decision["reasons"]) or "Nothing speaks against the candidate.",
        metadata={"compared_with": str(promotion_decision["compared_with"] or "nothing was promoted yet"), **figures},
    )
    with explaining():
        require_promotable(promotion_decision)


def require_promotable(decision: Mapping[str, Any]) -> None:
    """Raises DataError: the candidate was refused."""
    if not decision["promote"]:
        raise DataError(f"The candidate was refused: {'; and '.join(decision['reasons'])}.")


def _promoted(models: PromotedModels, settings: GateSettings) -> tuple[int | None, PromotedModel | None]:
    """The version that is promoted, and its model; None and None if there is none.

    Raises StoreError: it cannot be read, or is not named, and ``replace_unreadable`` is false.
    """
    try:
        current, stored = models.current(), models.stored()
        # Version 1 alone may be of a first promotion that was cut off before its end.
        if current is None and stored not in ([], [1]):
            raise StoreError(
                f"versions {', '.join(map(str, stored))} are in {models.base}, but none is current. Choose one "
                "(rec-assets promote), or run training_job with replace_unreadable: true."
            )
        if current is None:
            return None, None
        model = models.open_current(again=True)
        return model.facts["version"], model
    except StoreError as error:
        if settings.replace_unreadable:
            current = models.current_or_none()
            return current["version"] if current else None, None
        raise StoreError(f"The candidate has nothing to be compared with: {error}") from error


def _describe(
    lineage: Lineage, recommender: Recommender, report: Mapping[str, Any], counts: Mapping[str, int]
) -> dict[str, Any]:
    """What is kept of a candidate, beside its model."""
    return {
        **{name: report[name] for name in ("strategy", "k", "hit_rate", "interval", "popularity_hit_rate")},
        "validation_playlists": report["playlists"],
        "counts": dict(counts),
        "sample_percent": lineage.sample_percent,
        "dev_run": lineage.is_dev,
        "question": recommender.chosen.question(),
        "settings": {name: dict(facts["settings"]) for name, facts in lineage.ancestors.items()},
        "data_versions": {name: facts["data_version"] for name, facts in lineage.ancestors.items()},
    }


def _read_history(context: dg.AssetExecutionContext, store: AssetStore) -> list[dict[str, Any]]:
    """Entries of earlier decisions, the latest last; where they cannot be read, they are kept aside, with a warning."""
    target = store.target("promotion_decision", ".json")
    if not target.exists():
        return []
    try:
        return store.read("promotion_decision", dict)["history"][-(_LONGEST_HISTORY - 1) :]
    except (StoreError, KeyError) as error:
        aside = target.with_name(f"promotion_decision.unreadable-{now().replace(':', '')}.json")
        aside.write_bytes(target.read_bytes())
        context.log.warning(f"The history of candidates begins anew: {error} The file is kept as {aside}.")
        return []


def _sentence(decision: Decision, version: int | None) -> str:
    if decision.promote:
        return "The candidate may be promoted."
    stays = f"version {version} stays" if version else "no model is promoted"
    return f"REFUSED: {stays}, because " + "; and ".join(decision.reasons) + "."


def _metadata(report: dict[str, Any], decision: Decision, version: int | None) -> dict[str, Any]:
    candidate = report["candidate"]
    return {
        "decision": dg.MetadataValue.md(wrapped_markdown(_sentence(decision, version))),
        "promote": decision.promote,
        "compared_with": version if version is not None else "nothing was promoted yet",
        "hit_rate": candidate["hit_rate"],
        "copied_share": candidate["copied_share"],
        **candidate["counts"],
        **{
            name.replace("promoted_hit_rate_when", "hit_rate_when"): value
            for name, value in decision.figures.items()
            if name != "bounds"
        },
    }


def _failed_checks(context: dg.AssetExecutionContext, ancestors: Collection[str]) -> list[str]:
    """``asset.check`` of every check that failed, as an error, on the latest materialization of one of ``ancestors``.

    Checks that only warn are left out: some of them give a false alarm now and then, and say so.
    """
    keys = context.job_def.asset_layer.asset_graph.asset_check_keys
    own = sorted((key for key in keys if key.asset_key.path[-1] in ancestors), key=lambda key: key.to_user_string())
    return [f"{key.asset_key.path[-1]}.{key.name}" for key in own if _failed(context.instance, key)]


def _failed(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> bool:
    record = instance.get_latest_asset_check_evaluation_record(key)
    entry = record.event if record else None
    evaluation = entry.asset_check_evaluation if entry and entry.dagster_event else None
    if evaluation is None or evaluation.passed or evaluation.severity is not dg.AssetCheckSeverity.ERROR:
        return False
    latest, target = instance.get_latest_materialization_event(key.asset_key), evaluation.target_materialization_data
    # Of an earlier materialization it says nothing.
    return latest is None or target is None or latest.run_id == target.run_id
