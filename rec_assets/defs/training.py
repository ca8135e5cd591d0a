"""Sequences to track embeddings, to a ranker, and to the recommender that joins them."""

import time

import dagster as dg

from rec_assets.core.base.errors import StoreError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.lineage import Lineage
from rec_assets.core.base.progress import log_share
from rec_assets.core.base.relations import Relation
from rec_assets.core.ranker.learned import Ranker
from rec_assets.core.ranker.training import TrackRankerSettings, train_track_ranker
from rec_assets.core.recommender.fitting import asks_ranker, fit_recommender, for_small_library
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.recommender.settings import RecommenderSettings
from rec_assets.core.strategies.track_vectors import example_neighbours
from rec_assets.core.strategies.tracks import artist_numbers
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.core.vectors.word2vec import EmbeddingsSettings, lowered_min_count, train_word2vec
from rec_assets.defs.shared.explained import StepConfig
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.defs.shared.room import Room
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.written import wrapped_markdown


class TrackEmbeddingsConfig(StepConfig, EmbeddingsSettings):
    """Hyperparameters of Word2Vec."""


@dg.asset(kinds={"gensim", "safetensors"}, code_version="1")
def track_embeddings(
    context: dg.AssetExecutionContext, config: TrackEmbeddingsConfig, store: AssetStore, train_sequences: Relation
) -> dg.MaterializeResult[TrackEmbeddings]:
    """Word2Vec vectors of every track that occurs at least `min_count` times in training."""
    flat = FlatSequences.from_relation(train_sequences)
    settings = lowered_min_count(config, flat, context.log.warning)
    lineage = lineage_of(context, store, settings.as_dict())
    start = time.perf_counter()
    result = train_word2vec(flat, settings, lambda progress: context.log.info(str(progress)))
    seconds = time.perf_counter() - start
    catalog = _catalog_of(store, lineage)
    metadata = {
        "vocabulary": len(result.embeddings),
        "min_count": settings.min_count,
        "covered_share": result.covered_share,
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


def _example_as_markdown(embeddings: TrackEmbeddings, catalog: Relation | None) -> str:
    """The most frequent track and its five nearest, as a markdown list with names."""
    query, nearest = example_neighbours(embeddings, catalog, depth=5)
    lines = ["- " + wrapped_markdown(f"{name} ({cosine:.3f})", indent="  ") for name, cosine in nearest]
    return wrapped_markdown(f"Nearest to {query} (cosine):") + "\n\n" + "\n".join(lines)


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


class TrackRankerConfig(StepConfig, TrackRankerSettings):
    """How the ranker learns, from which strategies, and how the vectors of one of these are trained."""


@dg.asset(kinds={"lightgbm", "json"}, code_version="4")
def track_ranker(
    context: dg.AssetExecutionContext,
    config: TrackRankerConfig,
    store: AssetStore,
    track_catalog: Relation,
    train_sequences: Relation,
) -> dg.MaterializeResult[Ranker]:
    """Trees (LambdaMART) that rank the candidates of all strategies. They learn from training playlists that these
    strategies have not seen."""
    lineage = lineage_of(context, store, config.as_dict())
    start = time.perf_counter()
    ranker = train_track_ranker(
        train_sequences,
        artist_numbers(track_catalog),
        config,
        warn=context.log.warning,
        on_epoch=lambda progress: context.log.info(str(progress)),
        on_fitted=lambda playlists: context.log.info(f"strategies fitted on {playlists:,} playlists"),
        on_progress=log_share(context.log.info),
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


class RecommenderConfig(StepConfig, RecommenderSettings):
    """What recommends, how many tracks, and how it is asked."""


# The ranker is no input, so that it is read only where the settings ask for it, and tutorial_job need not make one.
@dg.asset(deps=["track_ranker"], kinds={"numpy", "safetensors"}, code_version="3")
def recommender(
    context: dg.AssetExecutionContext,
    config: RecommenderConfig,
    store: AssetStore,
    track_catalog: Relation,
    train_sequences: Relation,
    track_embeddings: TrackEmbeddings,
) -> dg.MaterializeResult[Recommender]:
    """The model: the chosen strategy, fitted, with all that it needs to answer, and the others for comparison."""
    ranker = store.read("track_ranker", Ranker) if asks_ranker(config) else None
    settings, lowered = for_small_library(config, len(track_embeddings), ranker)
    for sentence in lowered:
        context.log.warning(sentence)
    lineage = lineage_of(context, store, settings.as_dict(), unused=() if ranker else ("track_ranker",))
    seconds: dict[str, float] = {}
    start = time.perf_counter()

    def on_fitted(label: str, total: int) -> None:
        seconds[label] = round(time.perf_counter() - start - sum(seconds.values()), 3)
        context.log.info(f"{label} fitted in {seconds[label]:.1f} s, {len(seconds)} of {total} strategies done")

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
        "lowered_settings": " ".join(lowered) or "nothing",
    }
    return materialized(store, fitted, lineage, metadata)


TRAINING = Room(
    "3_training",
    [track_embeddings, track_ranker, recommender],
    {
        "track_embeddings": TrackEmbeddingsConfig,
        "track_ranker": TrackRankerConfig,
        "recommender": RecommenderConfig,
    },
    [vectors_are_finite],
)
