"""trial_embeddings and trial_hit_rate: one combination of settings from training to its hit rate on validation."""

import time
from typing import Any

import dagster as dg
import numpy as np

from rec_assets.assets.known_figures import hit_rate_metadata, known_seconds, sum_known
from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.training.progress import log_epochs, log_tenths
from rec_assets.core.comparison import TOP, rank_held_out
from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.evaluation import report_hit_rate
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.ranker import Ranker, learn_from_held_aside
from rec_assets.core.recommender import Recommender, StrategyName
from rec_assets.core.relations import Relation
from rec_assets.core.tracks import artist_numbers
from rec_assets.core.tuning import Trial
from rec_assets.core.tuning.training import asks_vectors, train_vectors, untrained_vectors
from rec_assets.resources.retries import retry_transient
from rec_assets.resources.store import AssetStore
from rec_assets.resources.trial_files import TrialFiles
from rec_assets.settings.tuning import TrialSettings, trial_settings

TRIALS = dg.DynamicPartitionsDefinition(name="tuning_trials")
GROUP = "tuning"


@dg.asset(
    group_name=GROUP,
    partitions_def=TRIALS,
    kinds={"gensim", "safetensors"},
    owners=OWNERS,
    code_version="1",
)
def trial_embeddings(
    context: dg.AssetExecutionContext, store: AssetStore, train_sequences: Relation
) -> dg.MaterializeResult[TrackEmbeddings]:
    """Word2Vec with the settings of a trial; only the vocabulary if the trial's strategy does not ask vectors."""
    trial, settings = _trial(context, store)
    trained = asks_vectors(settings.strategy)
    own = settings.of_embeddings()
    lineage = lineage_of(context, store, {**own.as_dict(), "trained": trained})
    flat = FlatSequences.from_relation(train_sequences)
    start = time.perf_counter()
    if trained:
        embeddings = train_vectors(flat, own.hyperparameters(), log_epochs(context))
    else:
        context.log.info(f"{settings.strategy.value} does not ask vectors: nothing is trained, and all vectors are 0")
        embeddings = untrained_vectors(flat, settings.min_count)
    metadata = {
        "parameters": dg.MetadataValue.json(dict(trial.parameters)),
        "vocabulary": len(embeddings),
        "trained": trained,
        "training_seconds": time.perf_counter() - start,
    }
    return materialized(embeddings, lineage, metadata)


@dg.asset(
    group_name=GROUP,
    partitions_def=TRIALS,
    kinds={"numpy", "json"},
    owners=OWNERS,
    code_version="1",
)
def trial_hit_rate(
    context: dg.AssetExecutionContext,
    store: AssetStore,
    track_catalog: Relation,
    train_sequences: Relation,
    base_sequences: Relation,
    ranker_sequences: Relation,
    validation_sequences: Relation,
    trial_embeddings: TrackEmbeddings,
) -> dg.MaterializeResult[dict]:
    """Hit rate@k of a trial over the validation playlists; for `ranker`, the trial trains a ranker of its own here."""
    trial, settings = _trial(context, store)
    lineage = lineage_of(context, store, settings.as_dict())
    artists = artist_numbers(track_catalog)
    start = time.perf_counter()
    ranker = None
    if settings.strategy is StrategyName.ranker:
        base, held_aside = (FlatSequences.from_relation(part) for part in (base_sequences, ranker_sequences))
        ranker = _train_ranker(context, settings, artists, base, held_aside)
    seconds = sum_known(vector_seconds(context), time.perf_counter() - start)
    recommender = Recommender(FlatSequences.from_relation(train_sequences), artists, trial_embeddings, ranker)
    contender = settings.contender()
    ranks = rank_held_out(recommender, contender, FlatSequences.from_relation(validation_sequences), k=settings.k)
    report = report_hit_rate(vars(ranks), k=settings.k)
    marks = {"sample_percent": lineage.sample_percent, "dev_run": lineage.is_dev}
    value = {
        "trial": trial.key,
        "strategy": contender.label,
        "parameters": dict(trial.parameters),
        **report,
        **marks,
    }
    return materialized(value, lineage, _metadata(value, seconds))


def _trial(context: dg.AssetExecutionContext, store: AssetStore) -> tuple[Trial, TrialSettings]:
    """The trial of this partition, and all its settings."""
    with retry_transient():
        trial = TrialFiles(store.base).read(context.partition_key)
    return trial, trial_settings(trial)


def _train_ranker(
    context: dg.AssetExecutionContext,
    settings: TrialSettings,
    artists: np.ndarray,
    base: FlatSequences,
    held_aside: FlatSequences,
) -> Ranker:
    """The ranker of this trial, with base vectors of its own."""
    embeddings = train_vectors(base, settings.of_embeddings().hyperparameters(), log_epochs(context))
    return learn_from_held_aside(
        base, held_aside, artists, embeddings, settings.of_ranker().ranker_settings(), on_progress=log_tenths(context)
    )


def vector_seconds(context: dg.AssetExecutionContext) -> float | None:
    """How long the vectors of this partition took to train; None if this instance does not know."""
    return known_seconds(context.instance, "trial_embeddings", context.partition_key)


def _metadata(report: dict[str, Any], seconds: float | None) -> dict[str, Any]:
    at_top = report["hit_rates"].get(str(TOP))
    return {
        "parameters": dg.MetadataValue.json(report["parameters"]),
        **hit_rate_metadata(report, report["strategy"]),
        **({} if at_top is None else {f"hit_rate_at_{TOP}": at_top}),
        **({} if seconds is None else {"training_seconds": seconds}),
    }
