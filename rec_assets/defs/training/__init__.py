"""Sequences to track embeddings, to a ranker, and to the recommender that joins them."""

from rec_assets.defs.shared.room import Room
from rec_assets.defs.training.recommender import RecommenderConfig, recommender
from rec_assets.defs.training.track_embeddings import TrackEmbeddingsConfig, track_embeddings, vectors_are_finite
from rec_assets.defs.training.track_ranker import TrackRankerConfig, track_ranker

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
