"""Search for better settings: a job of ops whose workers ask one Optuna study, and the leaderboard that it reports."""

from rec_assets.defs.shared.room import Room
from rec_assets.defs.tuning.ops import TUNING_LEADERBOARD, SearchConfig, executor_of, search_graph

TUNING = Room("6_tuning", [], external=[TUNING_LEADERBOARD])

__all__ = ["TUNING", "SearchConfig", "executor_of", "search_graph"]
