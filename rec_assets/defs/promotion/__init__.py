"""Candidate to promoted model, past a gate; and what the promoted model recommends to every playlist."""

from datetime import timedelta

import dagster as dg

from rec_assets.defs.promotion import decision, promoted, recommendations
from rec_assets.defs.shared.room import Room
from rec_assets.paths import fresh_days

# A day after the schedule's a warning, and a day later the state is "failed"; Dagster shows whole days only.
_WEEKLY = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(days=fresh_days() + 1), fail_window=timedelta(days=fresh_days() + 2)
)

PROMOTION = Room(
    "5_promotion",
    [decision.promotion_decision, promoted.promoted_model, recommendations.playlist_recommendations],
    {
        "promotion_decision": decision.PromotionDecisionConfig,
        "promoted_model": promoted.PromotedModelConfig,
        "playlist_recommendations": recommendations.PlaylistRecommendationsConfig,
    },
    [decision.candidate_may_be_promoted],
    freshness=dict.fromkeys(("promoted_model", "playlist_recommendations"), _WEEKLY),
)
