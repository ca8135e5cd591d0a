"""What recommends and how it is asked: settings that travel in the file of the recommender, and their label."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from pydantic import ConfigDict

from rec_assets.core.base.settings import setting
from rec_assets.core.ranker.sources import NeighbourhoodSettings
from rec_assets.core.strategies.track_vectors import TUTORIAL_QUERY, VectorQuery


class StrategyName(Enum):
    """The ways to recommend."""

    popularity = "popularity"
    title_words = "title_words"
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

    k: int = setting(
        100,
        "Number of tracks recommended for each playlist when the hit rate is measured. A hit: the held-out track is "
        "among them.",
        ge=1,
        le=1_000,
    )
    strategy: StrategyName = setting(
        StrategyName.ranker,
        "Strategy that recommends: ranker (combines the others), playlist_knn, item_knn, sequential_rules, "
        "track_vectors, artist_affinity, title_words or popularity.",
    )
    repeats: Repeats = setting(
        Repeats.usual,
        "Whether tracks of a playlist may be recommended to it again: `allowed`, `left_out`, or `usual` (by the "
        "ranker only, which learns when tracks come again).",
    )
    fitted: Fitted = setting(
        Fitted.all,
        "Strategies that are fitted: `all`, for the leaderboard to compare, or only the `chosen` one and those it "
        "builds on, which is faster.",
    )


@dataclass(frozen=True)
class Contender:
    """A strategy as it is asked.

    Attributes:
        label: for people; another question may have the same one in another run.
        query: how vectors are asked; of no meaning to other strategies.
        repeats: whether tracks of the history may be recommended.
    """

    label: str
    strategy: StrategyName
    query: VectorQuery
    repeats: bool

    def question(self) -> dict[str, Any]:
        """What is asked, JSON-ready: two contenders recommend in the same way if their questions are equal."""
        own: dict[str, Any] = {"strategy": self.strategy.value, "repeats": self.repeats}
        return own | (self.query.as_dict() if self.strategy is StrategyName.track_vectors else {})

    def settings(self) -> dict[str, Any]:
        """The settings by name that choose it, whatever is set now."""
        is_usual = self.repeats == (self.strategy is StrategyName.ranker)
        repeats = Repeats.usual if is_usual else Repeats.allowed if self.repeats else Repeats.left_out
        return self.question() | {"repeats": repeats.value}


CONTENDERS = (
    # Repeats help one list and hurt another, and only the ranker can learn which.
    *(Contender(name.value, name, VectorQuery(), repeats=name is StrategyName.ranker) for name in StrategyName),
    Contender("last_track", StrategyName.track_vectors, TUTORIAL_QUERY, repeats=True),
)


def chosen_contender(settings: RecommenderSettings) -> Contender:
    """The contender that ``settings`` ask for; of ``CONTENDERS`` if it is one, else "… as configured"."""
    is_ranker = settings.strategy is StrategyName.ranker
    repeats = is_ranker if settings.repeats is Repeats.usual else settings.repeats is Repeats.allowed
    query = VectorQuery(**VectorQuery.among(settings))
    asked = Contender(f"{settings.strategy.value} as configured", settings.strategy, query, repeats)
    return next((known for known in CONTENDERS if known.question() == asked.question()), asked)
