"""Strategies as they are asked, each with a label: those of the leaderboard, and the one of the settings."""

from dataclasses import dataclass
from typing import Any

from rec_assets.core.recommender.settings import RecommenderSettings, Repeats, StrategyName
from rec_assets.core.strategies import TUTORIAL_QUERY, VectorQuery


@dataclass(frozen=True)
class Contender:
    """A strategy as it is asked.

    Attributes:
        label: for people; another question may have the same one in another run.
        strategy: which.
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


def usual_repeats(strategy: StrategyName) -> bool:
    """Whether tracks of the history may be recommended unless somebody says otherwise.

    Repeats help one list and hurt another, and only the ranker can learn which.
    """
    return strategy is StrategyName.ranker


CONTENDERS = (
    *(Contender(name.value, name, VectorQuery(), usual_repeats(name)) for name in StrategyName),
    Contender("last_track", StrategyName.track_vectors, TUTORIAL_QUERY, repeats=True),
)


def chosen_contender(settings: RecommenderSettings) -> Contender:
    """The contender that ``settings`` ask for; of ``CONTENDERS`` if it is one, else "… as configured"."""
    usual = usual_repeats(settings.strategy)
    repeats = usual if settings.repeats is Repeats.usual else settings.repeats is Repeats.allowed
    asked = Contender(f"{settings.strategy.value} as configured", settings.strategy, settings.vector_query(), repeats)
    return next((known for known in CONTENDERS if known.question() == asked.question()), asked)
