"""Held-out tracks to ranks, ranks to hit rates, strategies held against each other, and a report of it all."""

from rec_assets.defs.evaluation.behaviour_checks import behaviour_checks, no_slice_collapsed
from rec_assets.defs.evaluation.held_out_ranks import test_ranks, validation_ranks
from rec_assets.defs.evaluation.hit_rate_checks import agrees_with_validation, build_hit_rate_checks
from rec_assets.defs.evaluation.hit_rates import test_hit_rate, validation_hit_rate
from rec_assets.defs.evaluation.model_leaderboard import ModelLeaderboardConfig, model_leaderboard
from rec_assets.defs.evaluation.recommendation_report import ReportConfig, recommendation_report
from rec_assets.defs.evaluation.validation_slices import validation_slices
from rec_assets.defs.shared.room import Room

EVALUATION = Room(
    "evaluation",
    [
        validation_ranks,
        validation_hit_rate,
        test_ranks,
        test_hit_rate,
        validation_slices,
        model_leaderboard,
        recommendation_report,
    ],
    {"model_leaderboard": ModelLeaderboardConfig, "recommendation_report": ReportConfig},
    [
        *(build_hit_rate_checks(part) for part in ("validation", "test")),
        agrees_with_validation,
        no_slice_collapsed,
        behaviour_checks,
    ],
)
