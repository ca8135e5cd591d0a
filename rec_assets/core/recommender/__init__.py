"""What recommends: strategies fitted once on the training playlists, asked in one way, kept in one file."""

from rec_assets.core.recommender.contenders import CONTENDERS, Contender, chosen_contender
from rec_assets.core.recommender.file import open_recommender, save_recommender
from rec_assets.core.recommender.fitting import asks_ranker, asks_vectors, fit_recommender
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.recommender.settings import Fitted, RecommenderSettings, Repeats, StrategyName

__all__ = [
    "CONTENDERS",
    "Contender",
    "Fitted",
    "Recommender",
    "RecommenderSettings",
    "Repeats",
    "StrategyName",
    "asks_ranker",
    "asks_vectors",
    "chosen_contender",
    "fit_recommender",
    "open_recommender",
    "save_recommender",
]
