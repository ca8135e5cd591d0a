"""track_embeddings: the model, trained on the training playlists only."""

import dagster as dg

from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.names import example_as_markdown
from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.relations import Relation
from rec_assets.core.word2vec import TrainingProgress, train_word2vec
from rec_assets.resources.store import AssetStore
from rec_assets.settings import EmbeddingsSettings


@dg.asset(
    group_name="training",
    kinds={"gensim", "safetensors"},
    owners=OWNERS,
    code_version="1",
)
def track_embeddings(
    context: dg.AssetExecutionContext,
    config: EmbeddingsSettings,
    store: AssetStore,
    train_sequences: Relation,
) -> dg.MaterializeResult[TrackEmbeddings]:
    """Word2Vec input and output vectors of every track that occurs `min_count` times in training."""
    lineage = lineage_of(context, store, config.as_dict())

    def log_progress(progress: TrainingProgress) -> None:
        context.log.info(
            f"epoch {progress.epoch}/{progress.epochs}, {progress.share_done:.0%} done, "
            f"{progress.words_per_second:,.0f} words/s, {progress.seconds_left:,.0f} s left"
        )

    sequences = FlatSequences.from_relation(train_sequences)
    result = train_word2vec(sequences, config.hyperparameters(), log_progress)
    metadata = {
        "vocabulary": len(result.embeddings),
        "covered_share_of_training_rows": result.covered_share,
        "words_per_second": result.words_per_second,
        "example": dg.MetadataValue.md(example_as_markdown(store, lineage, result.embeddings)),
    }
    return materialized(result.embeddings, lineage, metadata)
