"""Asset checks: sentences that can be false, each with its evidence."""

from rec_assets.assets.schemas import TABLE_SCHEMAS
from rec_assets.checks.behaviour import behaviour_checks, no_slice_collapsed
from rec_assets.checks.hit_rates import agrees_with_validation, build_hit_rate_checks
from rec_assets.checks.models import build_finite_check
from rec_assets.checks.promotion import candidate_may_be_promoted
from rec_assets.checks.tables import (
    build_table_check,
    ranker_playlists_are_kept_aside,
    splits_are_disjoint_and_complete,
)
from rec_assets.core.splits import SPLIT_NAMES

ALL_CHECKS = [
    *(build_table_check(name) for name in TABLE_SCHEMAS),
    splits_are_disjoint_and_complete,
    ranker_playlists_are_kept_aside,
    *(build_finite_check(name) for name in ("track_embeddings", "base_embeddings")),
    *(build_hit_rate_checks(part) for part in SPLIT_NAMES if part != "train"),
    agrees_with_validation,
    no_slice_collapsed,
    behaviour_checks,
    candidate_may_be_promoted,
]
