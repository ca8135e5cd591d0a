"""Held-out tracks to ranks, ranks to hit rates, strategies held against each other, and a report of it all."""

from rec_assets.defs.evaluation import checks, hit_rates
from rec_assets.defs.evaluation.model_leaderboard import ModelLeaderboardConfig, model_leaderboard
from rec_assets.defs.evaluation.recommendation_report import ReportConfig, recommendation_report
from rec_assets.defs.shared.room import Room

EVALUATION = Room(
    "evaluation",
    [
        *(hit_rates.validation_ranks, hit_rates.validation_hit_rate, hit_rates.test_ranks, hit_rates.test_hit_rate),
        *(hit_rates.validation_slices, model_leaderboard, recommendation_report),
    ],
    {"model_leaderboard": ModelLeaderboardConfig, "recommendation_report": ReportConfig},
    [
        *(checks.build_hit_rate_checks(part) for part in ("validation", "test")),
        *(checks.agrees_with_validation, checks.no_slice_collapsed, checks.behaviour_checks),
    ],
)
