"""A ranker from the training playlists alone: the vectors that it learns from are trained on the way."""

from collections.abc import Callable

import numpy as np

from rec_assets.core.base.errors import DataError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation
from rec_assets.core.ranker.cross_fitting import gather_examples
from rec_assets.core.ranker.learned import Ranker
from rec_assets.core.ranker.settings import RankerSettings
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.core.vectors.word2vec import EmbeddingsSettings, TrainingProgress, lowered_min_count, train_word2vec


class TrackRankerSettings(RankerSettings, EmbeddingsSettings):
    """How the ranker learns, from which strategies, and how the vectors of one of these are trained."""


def train_track_ranker(
    train_sequences: Relation,
    artists: np.ndarray,
    settings: TrackRankerSettings,
    *,
    warn: Callable[[str], None],
    on_epoch: Callable[[TrainingProgress], None] = lambda progress: None,
    on_fitted: Callable[[int], None] = lambda playlists: None,
    on_progress: Callable[[str, int, int], None] = lambda what, done, total: None,
) -> Ranker:
    """What :func:`gather_examples` teaches; an unlearned ranker, with a sentence to ``warn``, where that is nothing.

    Raises TrainingError: the vectors are not finite, or LightGBM cannot learn.
    """

    def train(base: FlatSequences) -> TrackEmbeddings:
        return train_word2vec(base, lowered_min_count(settings, base, warn), on_epoch).embeddings

    try:
        return gather_examples(train_sequences, artists, settings, train, on_fitted, on_progress).learn()
    except DataError as error:
        warn(f"No ranker is trained: {error}")
        return Ranker.unlearned(settings)
