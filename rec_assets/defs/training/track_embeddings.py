"""track_embeddings: Word2Vec vectors of the training playlists, and the check that they are numbers."""

import time
from collections.abc import Callable

import dagster as dg

from rec_assets.core.base.errors import StoreError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.lineage import Lineage
from rec_assets.core.base.relations import Relation
from rec_assets.core.pictures.drawing import as_markdown
from rec_assets.core.pictures.track_map import draw_track_map
from rec_assets.core.strategies.nearest import example_neighbours
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.core.vectors.word2vec import EmbeddingsSettings, TrainingProgress, train_word2vec
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.written import escape_markdown


class TrackEmbeddingsConfig(dg.Config, EmbeddingsSettings):
    """Hyperparameters of Word2Vec."""


@dg.asset(kinds={"gensim", "safetensors"}, code_version="1")
def track_embeddings(
    context: dg.AssetExecutionContext, config: TrackEmbeddingsConfig, store: AssetStore, train_sequences: Relation
) -> dg.MaterializeResult[TrackEmbeddings]:
    """Word2Vec input and output vectors of every track that occurs `min_count` times in training."""
    lineage = lineage_of(context, store, config.as_dict())
    flat = FlatSequences.from_relation(train_sequences)
    start = time.perf_counter()
    result = train_word2vec(flat, config, log_epochs(context))
    metadata = {
        "vocabulary": len(result.embeddings),
        "covered_share_of_training_rows": result.covered_share,
        "words_per_second": result.words_per_second,
        "training_seconds": time.perf_counter() - start,
        "example": dg.MetadataValue.md(_example_as_markdown(store, lineage, result.embeddings)),
        "map": dg.MetadataValue.md(_map_as_markdown(store, lineage, result.embeddings)),
    }
    return materialized(result.embeddings, lineage, metadata)


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


def _example_as_markdown(store: AssetStore, lineage: Lineage, embeddings: TrackEmbeddings) -> str:
    """The most frequent track and its five nearest, as a markdown list with names."""
    if len(embeddings) == 1:
        return "The vocabulary has one track, which has no neighbours."
    query, nearest = example_neighbours(embeddings, _catalog_of(store, lineage), depth=5)
    lines = [f"- {escape_markdown(name)} ({cosine:.3f})" for name, cosine in nearest]
    return f"Nearest to **{escape_markdown(query)}** (cosine):\n\n" + "\n".join(lines)


def _map_as_markdown(store: AssetStore, lineage: Lineage, embeddings: TrackEmbeddings) -> str:
    """The most frequent tracks on a plane, coloured by artist where the catalog is at hand."""
    png, caption = draw_track_map(embeddings, _catalog_of(store, lineage))
    return as_markdown(png, caption) + f"\n\n{escape_markdown(caption)}"


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
