"""track_embeddings: Word2Vec vectors of the training playlists, and the check that they are numbers."""

import time

import dagster as dg

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.core.vectors.word2vec import EmbeddingsSettings, train_word2vec
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.defs.training.pictures import example_as_markdown, map_as_markdown
from rec_assets.defs.training.progress import log_epochs
from rec_assets.store.asset_store import AssetStore


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
        "example": dg.MetadataValue.md(example_as_markdown(store, lineage, result.embeddings)),
        "map": dg.MetadataValue.md(map_as_markdown(store, lineage, result.embeddings)),
    }
    return materialized(result.embeddings, lineage, metadata)


@dg.asset_check(asset=track_embeddings, description="Every vector is made of finite numbers.", blocking=True)
def vectors_are_finite(track_embeddings: TrackEmbeddings) -> dg.AssetCheckResult:
    """Counts the tracks with a vector that has a NaN or an infinite number, by side."""
    broken = track_embeddings.count_broken()
    counts = {"tracks": len(track_embeddings), **{f"broken_{side}": count for side, count in broken.items()}}
    return dg.AssetCheckResult(passed=not any(broken.values()) and len(track_embeddings) > 0, metadata=counts)
