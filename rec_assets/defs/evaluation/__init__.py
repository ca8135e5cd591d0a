"""Held-out tracks to ranks, ranks to hit rates, strategies held against each other, and a report of it all."""

from rec_assets.defs.evaluation import assets, checks
from rec_assets.defs.shared.room import Room

EVALUATION = Room(
    "4_evaluation",
    [
        *(assets.validation_ranks, assets.validation_hit_rate, assets.test_ranks, assets.test_hit_rate),
        *(assets.validation_slices, assets.model_leaderboard, assets.recommendation_report),
    ],
    {"model_leaderboard": assets.ModelLeaderboardConfig, "recommendation_report": assets.ReportConfig},
    [
        *(checks.build_hit_rate_checks(part) for part in ("validation", "test")),
        *(checks.agrees_with_validation, checks.no_slice_collapsed),
        *(checks.behaviour_checks, checks.more_than_repeats_is_found, checks.no_strategy_beats_the_ranker),
    ],
)
