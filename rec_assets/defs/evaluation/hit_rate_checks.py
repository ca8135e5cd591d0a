"""Checks of the hit rates."""

from collections.abc import Iterator

import dagster as dg

from rec_assets.core.base.relations import Relation
from rec_assets.core.evaluation.figures import rank_arrays
from rec_assets.core.evaluation.metrics import difference_interval, hits
from rec_assets.defs.shared.materialized import rounded


def build_hit_rate_checks(part: str) -> dg.AssetChecksDefinition:
    """``<part>_hit_rate`` is a share, and above what popularity alone reaches."""
    name = f"{part}_hit_rate"

    @dg.multi_asset_check(
        name=f"{name}_checks",
        ins={"report": dg.AssetIn(name)},
        can_subset=True,  # without it the UI refuses to run the two unless the asset is materialized, too
        specs=[
            dg.AssetCheckSpec(
                "is_a_share", asset=name, description="All hit rates are in 0..1 and grow with k.", blocking=True
            ),
            dg.AssetCheckSpec(
                "is_above_popularity",
                asset=name,
                description="The model hits more often than the k most frequent tracks do.",
            ),
        ],
    )
    def hit_rate_checks(report: dict) -> Iterator[dg.AssetCheckResult]:
        rates = [rate for _, rate in sorted(report["hit_rates"].items(), key=lambda item: int(item[0]))]
        yield dg.AssetCheckResult(
            check_name="is_a_share",
            asset_key=name,
            passed=rates == sorted(rates) and rates[0] >= 0 and rates[-1] <= 1 and rates[-1] == report["hit_rate"],
            metadata={"hit_rates": ", ".join(f"{rate:.4g} at {k}" for k, rate in report["hit_rates"].items())},
        )
        yield dg.AssetCheckResult(
            check_name="is_above_popularity",
            asset_key=name,
            passed=report["hit_rate"] > report["popularity_hit_rate"],
            severity=dg.AssetCheckSeverity.WARN,
            metadata={key: rounded(report[key]) for key in ("hit_rate", "popularity_hit_rate", "k", "playlists")},
        )

    return hit_rate_checks


@dg.asset_check(
    asset="test_hit_rate",
    description="The hit rates of validation and test differ by no more than chance: the 95 % interval of their "
    "difference (bootstrap over the playlists of both) contains 0.",
    additional_ins={name: dg.AssetIn(name) for name in ("validation_ranks", "test_ranks")},
)
def agrees_with_validation(
    test_hit_rate: dict, validation_ranks: Relation, test_ranks: Relation
) -> dg.AssetCheckResult:
    """A test figure far below that of validation says that settings were fitted to the validation playlists."""
    k = test_hit_rate["k"]
    validation, test = (hits(rank_arrays(ranks)["rank"], k=k) for ranks in (validation_ranks, test_ranks))
    interval = difference_interval(validation, test)
    return dg.AssetCheckResult(
        passed=interval.low <= 0 <= interval.high,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "validation_minus_test": rounded(float(validation.mean() - test.mean())),
            "interval_low": rounded(interval.low),
            "interval_high": rounded(interval.high),
            "k": k,
        },
    )
