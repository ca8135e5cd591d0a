"""Settings of training."""

from pydantic import Field

from rec_assets.core.embeddings import Hyperparameters
from rec_assets.core.ranker import RankerSettings
from rec_assets.settings.base import Settings

_TUTORIAL, _RANKER = Hyperparameters(), RankerSettings()


class EmbeddingsSettings(Settings):
    """Hyperparameters of Word2Vec; names are gensim's, defaults the tutorial's but for `sg`."""

    min_count: int = Field(
        default=_TUTORIAL.min_count, ge=1, description="Rarer tracks (occurrences in training) get no vector."
    )
    epochs: int = Field(default=_TUTORIAL.epochs, ge=1, le=1_000, description="Passes over the training playlists.")
    vector_size: int = Field(default=_TUTORIAL.vector_size, ge=1, le=2_048, description="Dimensions of a vector.")
    window: int = Field(
        default=_TUTORIAL.window, ge=1, le=1_000, description="Tracks on either side that count as context."
    )
    ns_exponent: float = Field(
        default=_TUTORIAL.ns_exponent,
        ge=-2,
        le=2,
        description="Negatives are drawn by count to this power: 1 by count, 0 all alike, below 0 rare first.",
    )
    # Not the tutorial's: asked by history and output vectors, skip-gram hits about a sixth more often than CBOW.
    sg: int = Field(default=1, ge=0, le=1, description="1 = skip-gram; 0 = CBOW, about four times faster.")
    negative: int = Field(default=_TUTORIAL.negative, ge=1, le=100, description="Negative samples per context.")
    sample: float = Field(
        default=_TUTORIAL.sample, ge=0, lt=1, description="Tracks above this share of rows are downsampled; 0 = none."
    )
    alpha: float = Field(
        default=_TUTORIAL.alpha, ge=0.0001, le=1, description="Learning rate at the start; it falls to 0.0001."
    )
    workers: int = Field(
        default=_TUTORIAL.workers,
        ge=1,
        le=64,
        description="Training threads; two or more never repeat exactly.",
    )
    seed: int = Field(default=_TUTORIAL.seed, ge=0, lt=2**32, description="Seed of training.")
    reproducible: bool = Field(
        default=False,
        description="One training thread whatever `workers` says: the same input gives the same bytes.",
    )

    def hyperparameters(self) -> Hyperparameters:
        """The settings as the core takes them."""
        values = self.model_dump(exclude={"reproducible"})
        return Hyperparameters(**{**values, "workers": 1 if self.reproducible else self.workers})


class TrackRankerSettings(Settings):
    """How the ranker learns (LambdaMART)."""

    ranker_trees: int = Field(default=_RANKER.trees, ge=1, le=10_000, description="Boosting rounds.")
    ranker_leaves: int = Field(default=_RANKER.leaves, ge=2, le=1_024, description="Leaves of a tree.")
    ranker_learning_rate: float = Field(
        default=_RANKER.learning_rate, gt=0, le=1, description="How much of each tree's advice is taken."
    )
    ranker_more_cuts: int = Field(
        default=_RANKER.more_cuts,
        ge=0,
        le=100,
        description="Places in each playlist, beside its end, from which the next track is learned.",
    )
    ranker_examples: int = Field(
        default=_RANKER.examples, ge=1, le=1_000_000, description="At most so many histories to learn from."
    )
    ranker_negatives: int = Field(
        default=_RANKER.negatives, ge=1, le=5_000, description="Candidates beside the target, per history."
    )
    ranker_seed: int = Field(default=_RANKER.seed, ge=0, lt=2**31, description="Seed of all its draws.")

    def ranker_settings(self) -> RankerSettings:
        """The settings as the core takes them."""
        return RankerSettings(**{name.removeprefix("ranker_"): value for name, value in self.model_dump().items()})
