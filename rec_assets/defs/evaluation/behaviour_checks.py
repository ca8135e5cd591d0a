"""Checks of how the chosen strategy behaves, beyond how often it hits (after RecList; Chia et al. 2022)."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from rec_assets.core.base.relations import Relation
from rec_assets.core.evaluation.figures import rank_array
from rec_assets.core.evaluation.metrics import paired_difference_interval
from rec_assets.core.evaluation.slices import SliceRate, collapsed_slices
from rec_assets.defs.shared.materialized import rounded

LEAST_STABILITY, GREATEST_SHARE, LEAST_TAIL_SHARE = 0.5, 0.9, 0.02
GREATEST_FALL, LEAST_PLAYLISTS = 0.05, 200

_BEHAVIOUR = {
    "similar_histories_get_similar_answers": "At least half of the first 10 tracks stay when the oldest track of the "
    "history is missing.",
    "no_track_for_nearly_everyone": "No track is recommended to more than 90 % of the playlists.",
    "the_tail_is_reached": "At least 2 % of the recommendations go beyond the most popular fifth of the catalog.",
    "no_strategy_is_better": "No other strategy hits more often than the chosen one, beyond chance (95 % interval of "
    "the paired difference for each, so with seven others a false alarm is not rare).",
}


@dg.multi_asset_check(
    name="behaviour_checks",
    ins={"model_leaderboard": dg.AssetIn("model_leaderboard")},
    can_subset=True,
    specs=[dg.AssetCheckSpec(name, asset="model_leaderboard", description=text) for name, text in _BEHAVIOUR.items()],
)
def behaviour_checks(model_leaderboard: Relation) -> Iterator[dg.AssetCheckResult]:
    """What the leaderboard says of the strategy that the hit rates follow."""
    chosen = model_leaderboard.filter("is_chosen").df().iloc[0]
    stability, share, tail = (float(chosen[name]) for name in ("stability", "greatest_share", "tail_share"))
    better = _better_strategies(model_leaderboard, str(chosen["strategy"]))
    evidence: dict[str, tuple[bool, dict[str, Any]]] = {
        # No history is long enough to be shortened: nothing was seen that speaks against it.
        "similar_histories_get_similar_answers": (not stability < LEAST_STABILITY, {"stability": stability}),
        "no_track_for_nearly_everyone": (share <= GREATEST_SHARE, {"greatest_share": share}),
        "the_tail_is_reached": (tail >= LEAST_TAIL_SHARE, {"tail_share": tail}),
        "no_strategy_is_better": (not better, {"better": ", ".join(better) or "none"}),
    }
    for name, (passed, metadata) in evidence.items():
        yield dg.AssetCheckResult(
            check_name=name,
            asset_key="model_leaderboard",
            passed=passed,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"strategy": str(chosen["strategy"]), **{key: rounded(value) for key, value in metadata.items()}},
        )


def _better_strategies(model_leaderboard: Relation, chosen: str) -> list[str]:
    # A track is ranked only where it is recommended, so every rank is a hit.
    rows = model_leaderboard.select("strategy", "ranks").fetchall()
    found = {name: rank_array(ranks) > 0 for name, ranks in rows}
    return [
        name for name, own in found.items() if name != chosen and paired_difference_interval(own, found[chosen]).low > 0
    ]


@dg.asset_check(
    asset="validation_slices",
    description="No slice of at least 200 playlists fell by more than 0.05 since the run before, beyond chance.",
)
def no_slice_collapsed(context: dg.AssetCheckExecutionContext, validation_slices: Relation) -> dg.AssetCheckResult:
    """Compares with the materialization before the last, if it asked the same of the same share of the playlists."""
    records = context.instance.fetch_materializations(dg.AssetKey("validation_slices"), limit=2).records
    materializations = [record.asset_materialization for record in records if record.asset_materialization]
    now = [SliceRate(*row) for row in validation_slices.fetchall()]
    if len(materializations) < 2 or not _comparable(*materializations):
        return dg.AssetCheckResult(passed=True, metadata={"compared_with": "no earlier run of the same kind"})
    before = [SliceRate(**slice_) for slice_ in _value(materializations[1], "slices")]
    collapsed = collapsed_slices(before, now, max_fall=GREATEST_FALL, min_playlists=LEAST_PLAYLISTS)
    return dg.AssetCheckResult(
        passed=not collapsed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "compared_with": f"{len(before)} slices of the run before",
            "collapsed": "; ".join(map(str, collapsed)) or "none",
        },
    )


def _comparable(now: dg.AssetMaterialization, before: dg.AssetMaterialization) -> bool:
    """Whether both counted hits in the same way, on the same share of the playlists."""
    return all(_value(now, name) == _value(before, name) for name in ("strategy", "k", "sample_percent"))


def _value(materialization: dg.AssetMaterialization, name: str) -> Any:
    found = materialization.metadata.get(name)
    return None if found is None else found.value
