"""Hyperparameter search: what is tried, what to try next, and what the trials so far say."""

from rec_assets.core.tuning.leaderboard import TrialOutcome, best_outcome, leaderboard_rows
from rec_assets.core.tuning.parsing import SettingsGuide, parse_search
from rec_assets.core.tuning.proposals import Tried, propose_next
from rec_assets.core.tuning.search import Choices, Range, Sampler, Search, Value
from rec_assets.core.tuning.trials import Trial, TrialState, judge_trial

__all__ = [
    "Choices",
    "Range",
    "Sampler",
    "Search",
    "SettingsGuide",
    "Trial",
    "TrialOutcome",
    "TrialState",
    "Tried",
    "Value",
    "best_outcome",
    "judge_trial",
    "leaderboard_rows",
    "parse_search",
    "propose_next",
]
