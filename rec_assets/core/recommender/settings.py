"""What recommends and how it is asked: settings that travel in the file of the recommender."""

from enum import Enum

from pydantic import ConfigDict

from rec_assets.core.base.settings import setting
from rec_assets.core.ranker import NeighbourhoodSettings
from rec_assets.core.strategies import VectorQuery


class StrategyName(Enum):
    """The ways to recommend."""

    popularity = "popularity"
    artist_affinity = "artist_affinity"
    sequential_rules = "sequential_rules"
    item_knn = "item_knn"
    playlist_knn = "playlist_knn"
    track_vectors = "track_vectors"
    ranker = "ranker"


class Repeats(Enum):
    """Whether tracks of a playlist may be recommended after it."""

    usual = "usual"
    allowed = "allowed"
    left_out = "left_out"


class Fitted(Enum):
    """Which strategies are fitted."""

    all = "all"
    chosen = "chosen"


class RecommenderSettings(VectorQuery, NeighbourhoodSettings):
    """What recommends, how many tracks, and how it is asked."""

    model_config = ConfigDict(frozen=True)

    k: int = setting(100, "Tracks recommended per playlist; a hit is the held-out track among them.", ge=1, le=1_000)
    strategy: StrategyName = setting(
        StrategyName.ranker,
        "What recommends: ranker (joins all others), playlist_knn, item_knn, sequential_rules, track_vectors, "
        "artist_affinity or popularity.",
    )
    repeats: Repeats = setting(
        Repeats.usual,
        "Whether tracks of the playlist may be recommended again: `allowed`, `left_out`, or `usual`: only the ranker "
        "repeats tracks, since it learns when they should be repeated.",
    )
    fitted: Fitted = setting(
        Fitted.all,
        "Which strategies are fitted: `all`, so that the leaderboard can compare them, or only the `chosen` one with "
        "those it joins.",
    )

    def vector_query(self) -> VectorQuery:
        """How track_vectors are asked."""
        return VectorQuery(**VectorQuery.among(self))
