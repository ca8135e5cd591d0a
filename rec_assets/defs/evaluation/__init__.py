"""Held-out tracks to ranks, ranks to hit rates, strategies held against each other, and a report of it all."""

from rec_assets.defs.evaluation import checks, held_out, leaderboard, report
from rec_assets.defs.shared.room import Room

EVALUATION = Room(
    "4_evaluation",
    [
        *(held_out.validation_ranks, held_out.validation_hit_rate, held_out.test_ranks, held_out.test_hit_rate),
        *(held_out.validation_slices, leaderboard.model_leaderboard, report.recommendation_report),
    ],
    {"model_leaderboard": leaderboard.ModelLeaderboardConfig, "recommendation_report": report.ReportConfig},
    [
        *(checks.build_hit_rate_checks(part) for part in ("validation", "test")),
        *(checks.agrees_with_validation, checks.no_slice_collapsed),
        *(checks.behaviour_checks, checks.more_than_repeats_is_found, checks.no_strategy_is_better),
    ],
)
