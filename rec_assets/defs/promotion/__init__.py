"""Candidate to promoted model, past a gate; and what the promoted model recommends to every playlist."""

from datetime import timedelta

import dagster as dg

from rec_assets.defs.promotion.promoted_model import (
    PlaylistRecommendationsConfig,
    PromotedModelConfig,
    playlist_recommendations,
    promoted_model,
)
from rec_assets.defs.promotion.promotion_decision import (
    PromotionDecisionConfig,
    candidate_may_be_promoted,
    promotion_decision,
)
from rec_assets.defs.shared.room import Room
from rec_assets.paths import fresh_days

# A day after the schedule's a warning, and a day later the state is "failed"; Dagster shows whole days only.
_WEEKLY = dg.FreshnessPolicy.time_window(
    warn_window=timedelta(days=fresh_days() + 1), fail_window=timedelta(days=fresh_days() + 2)
)

PROMOTION = Room(
    "promotion",
    [promotion_decision, promoted_model, playlist_recommendations],
    {
        "promotion_decision": PromotionDecisionConfig,
        "promoted_model": PromotedModelConfig,
        "playlist_recommendations": PlaylistRecommendationsConfig,
    },
    [candidate_may_be_promoted],
    freshness=dict.fromkeys(("promoted_model", "playlist_recommendations"), _WEEKLY),
)
