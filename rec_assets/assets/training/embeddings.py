"""track_embeddings and base_embeddings: the same training on all training playlists, and on those but the ranker's."""

import time

import dagster as dg

from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.names import example_as_markdown, map_as_markdown
from rec_assets.assets.training.progress import log_epochs
from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.relations import Relation
from rec_assets.core.word2vec import train_word2vec
from rec_assets.resources.store import AssetStore
from rec_assets.settings import EmbeddingsSettings


def build_embeddings_asset(name: str, sequences_name: str, description: str) -> dg.AssetsDefinition:
    """The asset ``name``, trained on ``sequences_name``."""

    @dg.asset(
        name=name,
        description=description,
        ins={"sequences": dg.AssetIn(sequences_name)},
        group_name="training",
        kinds={"gensim", "safetensors"},
        owners=OWNERS,
        code_version="1",
    )
    def embeddings(
        context: dg.AssetExecutionContext, config: EmbeddingsSettings, store: AssetStore, sequences: Relation
    ) -> dg.MaterializeResult[TrackEmbeddings]:
        lineage = lineage_of(context, store, config.as_dict())
        flat = FlatSequences.from_relation(sequences)
        start = time.perf_counter()
        result = train_word2vec(flat, config.hyperparameters(), log_epochs(context))
        metadata = {
            "vocabulary": len(result.embeddings),
            "covered_share_of_training_rows": result.covered_share,
            "words_per_second": result.words_per_second,
            "training_seconds": time.perf_counter() - start,
            "example": dg.MetadataValue.md(example_as_markdown(store, lineage, result.embeddings)),
            "map": dg.MetadataValue.md(map_as_markdown(store, lineage, result.embeddings)),
        }
        return materialized(result.embeddings, lineage, metadata)

    return embeddings


track_embeddings = build_embeddings_asset(
    "track_embeddings",
    "train_sequences",
    "Word2Vec input and output vectors of every track that occurs `min_count` times in training.",
)
base_embeddings = build_embeddings_asset(
    "base_embeddings",
    "base_sequences",
    "The same, trained without the playlists of the ranker, which must not know them by heart.",
)
