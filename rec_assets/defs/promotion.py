"""Candidate to promoted model, past a gate; and what the promoted model recommends to every playlist."""

from collections.abc import Collection, Iterator, Mapping
from datetime import timedelta
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
from rec_assets.core.promoted.model import PromotedModel, names_of_catalog
from rec_assets.core.promoted.named_rules import unknown_artist_sentence
from rec_assets.core.promoted.recommendations import RecommendationsSettings, recommend_to_all
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.defs.shared.explained import StepConfig
from rec_assets.defs.shared.materialized import described, lineage_of, materialized, rounded
from rec_assets.defs.shared.room import Room
from rec_assets.defs.shared.workers import configured_shards
from rec_assets.paths import fresh_days
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.io_manager import explaining
from rec_assets.store.promoted_models import PromotedModels, PromotionSettings, kept_versions, now
from rec_assets.store.written import wrapped_markdown

LONGEST_HISTORY = 500


class PromotionDecisionConfig(StepConfig, GateSettings):
    """The bounds within which a candidate may replace the promoted model."""


@dg.asset(kinds={"numpy", "json"}, code_version="2")
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
        _require_promotable(promotion_decision)


def _require_promotable(decision: Mapping[str, Any]) -> None:
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
        return store.read("promotion_decision", dict)["history"][-(LONGEST_HISTORY - 1) :]
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
    kept = kept_versions(models.known(), version, count=config.kept_versions)
    # Somebody may have gone back to another version while this one was being made.
    over = models.stamp()
    _require_still_valid(promotion_decision, models.current_or_none())
    models.point_to(version, by="gate", kept=kept, over=over)
    try:
        removed = models.remove_all_but(kept)
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
    connection = store.duckdb.connect()
    model = store.promoted_models.open(promoted_model["version"], again=True)
    mapped = own_index(connection, track_catalog, model.names)
    playlists = FlatSequences.from_relation(playlist_sequences)
    names = playlist_sequences.select("user_id", "playlist").to_arrow_table()
    known = model.known_rows(playlists, mapped)
    unknown = len(playlists.values) - len(known.values)
    silent = int(((known.lengths() == 0) & ~model.recommender.has_known_title(known)).sum())
    if unknown:
        context.log.warning(
            f"the promoted model does not know {unknown:,} of {len(playlists.values):,} entries of the playlists; "
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
        "playlists": len(playlists),
        "unknown_entries": unknown,
        "answered_by_popularity": silent,
        "unknown_artists_in_rules": len(found.unknown_artists),
    }
    return materialized(store, connection.from_arrow(batches), lineage, metadata)


def _require_still_valid(decision: dict[str, Any], current: dict[str, Any] | None) -> None:
    """Refuses a decision against the candidate, or one about another model than the one that is promoted now."""
    _require_promotable(decision)
    found = current["version"] if current else None
    if found != decision["compared_with"]:
        raise DataError(
            f"promotion_decision compared the candidate with version {decision['compared_with']}, but version {found} "
            "is promoted now. Materialize promotion_decision again."
        )


# A day after the schedule's a warning, and a day later the state is "failed"; Dagster shows whole days only.
_WEEKLY = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(days=fresh_days() + 1), fail_window=timedelta(days=fresh_days() + 2)
)

PROMOTION = Room(
    "5_promotion",
    [promotion_decision, promoted_model, playlist_recommendations],
    {
        "promotion_decision": PromotionDecisionConfig,
        "promoted_model": PromotedModelConfig,
        "playlist_recommendations": PlaylistRecommendationsConfig,
    },
    [candidate_may_be_promoted],
    freshness=dict.fromkeys(("promoted_model", "playlist_recommendations"), _WEEKLY),
)
