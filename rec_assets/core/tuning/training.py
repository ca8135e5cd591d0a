"""What a trial trains."""

from collections.abc import Callable

import numpy as np

from rec_assets.core.embeddings import Hyperparameters, TrackEmbeddings
from rec_assets.core.errors import TrainingError
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.recommender import StrategyName
from rec_assets.core.word2vec import TrainingProgress, count_vocabulary, train_word2vec

_BY_VECTORS = (StrategyName.track_vectors, StrategyName.ranker)


def asks_vectors(strategy: StrategyName) -> bool:
    """Whether what ``strategy`` recommends depends on vectors."""
    return strategy in _BY_VECTORS


def train_vectors(
    sequences: FlatSequences,
    hyperparameters: Hyperparameters,
    on_progress: Callable[[TrainingProgress], None] = lambda progress: None,
) -> TrackEmbeddings:
    """Word2Vec on ``sequences``; see :func:`train_word2vec`.

    Raises:
        TrainingError: training diverged.
    """
    embeddings = train_word2vec(sequences, hyperparameters, on_progress).embeddings
    broken = embeddings.count_broken()
    if any(broken.values()):
        raise TrainingError(
            f"training diverged: of {len(embeddings):,} tracks {max(broken.values()):,} have a vector that is not "
            f"finite. Expected none; lower alpha ({hyperparameters.alpha:g})."
        )
    return embeddings


def untrained_vectors(sequences: FlatSequences, min_count: int) -> TrackEmbeddings:
    """The vocabulary with vectors of one dimension that are all 0, for strategies that do not ask them.

    Raises:
        DataError: there is no track.
        SettingsError: ``min_count`` leaves no track.
    """
    frequencies = count_vocabulary(sequences, min_count)
    nothing = np.zeros((len(frequencies), 1), np.float32)
    return TrackEmbeddings(
        track_index=np.array(list(frequencies), np.int32),
        count=np.array(list(frequencies.values()), np.int64),
        input_vectors=nothing,
        output_vectors=nothing,
        hyperparameters={"trained": False, "min_count": min_count},
    )
