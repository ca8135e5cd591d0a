"""The check that keeps a refused candidate from being promoted."""

import dagster as dg

from rec_assets.assets.materialized import rounded


@dg.asset_check(
    asset="promotion_decision",
    description="Nothing speaks against the candidate: its checks passed, its data are like the promoted model's, and "
    "it hits as often on the same playlists. Where this fails, the promoted model stays.",
    blocking=True,
)
def candidate_may_be_promoted(promotion_decision: dict) -> dg.AssetCheckResult:
    """Fails with the reasons of the decision."""
    figures = {name: rounded(value) for name, value in promotion_decision["figures"].items() if name != "bounds"}
    return dg.AssetCheckResult(
        passed=promotion_decision["promote"],
        description="; and ".join(promotion_decision["reasons"]) or "Nothing speaks against the candidate.",
        metadata={"compared_with": str(promotion_decision["compared_with"] or "nothing was promoted yet"), **figures},
    )
