"""Sequences to track embeddings, to a ranker, and to the recommender that joins them."""

import time
from collections.abc import Callable

import dagster as dg

from rec_assets.core.base.errors import StoreError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.lineage import Lineage
from rec_assets.core.base.relations import Relation
from rec_assets.core.ranker.learned import Ranker
from rec_assets.core.ranker.training import TrackRankerSettings, train_track_ranker
from rec_assets.core.recommender.recommender import Recommender, asks_ranker, fit_recommender, for_small_library
from rec_assets.core.recommender.settings import RecommenderSettings
from rec_assets.core.strategies.track_vectors import example_neighbours
from rec_assets.core.strategies.tracks import artist_numbers
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.core.vectors.word2vec import EmbeddingsSettings, TrainingProgress, lowered_min_count, train_word2vec
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.defs.shared.progress import log_share
from rec_assets.defs.shared.room import Room
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.written import escape_markdown


class TrackEmbeddingsConfig(dg.Config, EmbeddingsSettings):
    """Hyperparameters of Word2Vec."""


@dg.asset(kinds={"gensim", "safetensors"}, code_version="1")
def track_embeddings(
    context: dg.AssetExecutionContext, config: TrackEmbeddingsConfig, store: AssetStore, train_sequences: Relation
) -> dg.MaterializeResult[TrackEmbeddings]:
    """Word2Vec input and output vectors of every track that occurs `min_count` times in training."""
    flat = FlatSequences.from_relation(train_sequences)
    settings = lowered_min_count(config, flat, context.log.warning)
    lineage = lineage_of(context, store, settings.as_dict())
    start = time.perf_counter()
    result = train_word2vec(flat, settings, log_epochs(context))
    seconds = time.perf_counter() - start
    catalog = _catalog_of(store, lineage)
    metadata = {
        "vocabulary": len(result.embeddings),
        "min_count": settings.min_count,
        "covered_share_of_training_rows": result.covered_share,
        "words_per_second": result.words_per_second,
        "training_seconds": seconds,
        "example": dg.MetadataValue.md(_example_as_markdown(result.embeddings, catalog)),
    }
    return materialized(store, result.embeddings, lineage, metadata)


@dg.asset_check(asset=track_embeddings, description="Every vector is made of finite numbers.", blocking=True)
def vectors_are_finite(track_embeddings: TrackEmbeddings) -> dg.AssetCheckResult:
    """Counts the tracks with a vector that has a NaN or an infinite number, by side."""
    broken = track_embeddings.count_broken()
    counts = {"tracks": len(track_embeddings), **{f"broken_{side}": count for side, count in broken.items()}}
    return dg.AssetCheckResult(passed=not any(broken.values()) and len(track_embeddings) > 0, metadata=counts)


def log_epochs(context: dg.AssetExecutionContext) -> Callable[[TrainingProgress], None]:
    """Logs where the training of vectors stands."""

    def log(progress: TrainingProgress) -> None:
        context.log.info(
            f"epoch {progress.epoch}/{progress.epochs}, {progress.share_done:.0%} done, "
            f"{progress.words_per_second:,.0f} words/s, {progress.seconds_left:,.0f} s left"
        )

    return log


def _example_as_markdown(embeddings: TrackEmbeddings, catalog: Relation | None) -> str:
    """The most frequent track and its five nearest, as a markdown list with names."""
    query, nearest = example_neighbours(embeddings, catalog, depth=5)
    lines = [f"- {escape_markdown(name)} ({cosine:.3f})" for name, cosine in nearest]
    return f"Nearest to **{escape_markdown(query)}** (cosine):\n\n" + "\n".join(lines)


def _catalog_of(store: AssetStore, lineage: Lineage) -> Relation | None:
    """The catalog from which the model's numbers come, if it is still there.

    The model does not depend on names, so neither does its asset; a newer catalog would name other tracks.
    """
    try:
        current = store.lineage("track_catalog").data_version
    except StoreError:
        return None
    if lineage.ancestors["track_catalog"]["data_version"] != current:
        return None
    return store.read("track_catalog", Relation)


class TrackRankerConfig(dg.Config, TrackRankerSettings):
    """How the ranker learns, from which strategies, and how the vectors of one of these are trained."""


@dg.asset(kinds={"lightgbm", "json"}, code_version="2")
def track_ranker(
    context: dg.AssetExecutionContext,
    config: TrackRankerConfig,
    store: AssetStore,
    track_catalog: Relation,
    train_sequences: Relation,
) -> dg.MaterializeResult[Ranker]:
    """LambdaMART over the candidates of all strategies, learned from training playlists that these have not seen."""
    lineage = lineage_of(context, store, config.as_dict())
    start = time.perf_counter()
    ranker = train_track_ranker(
        train_sequences,
        artist_numbers(track_catalog),
        config,
        warn=context.log.warning,
        on_epoch=log_epochs(context),
        on_fitted=lambda playlists: context.log.info(f"strategies fitted on {playlists:,} playlists"),
        on_progress=log_share(context),
    )
    metadata = {
        "examples": ranker.examples,
        "targets_not_proposed": ranker.targets_missed,
        "training_seconds": time.perf_counter() - start,
        "most_useful_features": dg.MetadataValue.md(_as_list(ranker.gains)),
    }
    return materialized(store, ranker, lineage, metadata)


def _as_list(gains: dict[str, float], shown: int = 10) -> str:
    if not gains:
        return "Nothing was learned."
    largest = sorted(gains.items(), key=lambda item: -item[1])[:shown]
    return "Share of the gain of all splits:\n\n" + "\n".join(f"- {name} {gain:.1%}" for name, gain in largest)


class RecommenderConfig(dg.Config, RecommenderSettings):
    """What recommends, how many tracks, and how it is asked."""


# The ranker is no input, so that it is read only where the settings ask for it, and tutorial_job need not make one.
@dg.asset(deps=["track_ranker"], kinds={"numpy", "safetensors"}, code_version="2")
def recommender(
    context: dg.AssetExecutionContext,
    config: RecommenderConfig,
    store: AssetStore,
    track_catalog: Relation,
    train_sequences: Relation,
    track_embeddings: TrackEmbeddings,
) -> dg.MaterializeResult[Recommender]:
    """The chosen strategy, fitted, with all that answering takes; and the others, to be compared with it."""
    ranker = store.read("track_ranker", Ranker) if asks_ranker(config) else None
    settings, lowered = for_small_library(config, len(track_embeddings), ranker)
    for sentence in lowered:
        context.log.warning(sentence)
    lineage = lineage_of(context, store, settings.as_dict(), unused=() if ranker else ("track_ranker",))
    seconds: dict[str, float] = {}
    start = time.perf_counter()

    def on_fitted(label: str) -> None:
        seconds[label] = round(time.perf_counter() - start - sum(seconds.values()), 3)
        context.log.info(f"{label} fitted in {seconds[label]:.1f} s")

    fitted = fit_recommender(
        FlatSequences.from_relation(train_sequences),
        artist_numbers(track_catalog),
        track_embeddings,
        ranker,
        settings,
        on_fitted=on_fitted,
    )
    if not fitted.knows_artists:
        context.log.warning(
            "No track has an artist: artist_affinity, which would recommend what is popular, is not compared, and the "
            "ranker does without what an artist tells."
        )
    metadata = {
        "strategy": fitted.chosen.label,
        "k": settings.k,
        "fit_seconds": dg.MetadataValue.json(seconds),
        "changed_for_a_small_library": " ".join(lowered) or "nothing",
    }
    return materialized(store, fitted, lineage, metadata)


TRAINING = Room(
    "training",
    [track_embeddings, track_ranker, recommender],
    {
        "track_embeddings": TrackEmbeddingsConfig,
        "track_ranker": TrackRankerConfig,
        "recommender": RecommenderConfig,
    },
    [vectors_are_finite],
)
