"""Checks of the hit rates, and of how the chosen strategy behaves (after RecList; Chia et al. 2022)."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from rec_assets.core.base.relations import Relation, fetch_row
from rec_assets.core.evaluation.bootstrap import difference_interval
from rec_assets.core.evaluation.figures import rank_array, rank_arrays
from rec_assets.core.evaluation.metrics import hits
from rec_assets.core.evaluation.repetition import Repetition
from rec_assets.core.evaluation.rivals import best_other, in_words, rivals_of
from rec_assets.core.evaluation.slices import SliceRate, collapsed_slices
from rec_assets.defs.shared.materialized import rounded

LEAST_STABILITY, GREATEST_SHARE, LEAST_TAIL_SHARE = 0.5, 0.9, 0.02
GREATEST_FALL, LEAST_PLAYLISTS = 0.05, 200


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
                description="The hit rate is above that of recommending the k most frequent tracks.",
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
    difference = float(validation.mean() - test.mean())
    figures = {"validation_minus_test": difference, "interval_low": interval.low, "interval_high": interval.high}
    return dg.AssetCheckResult(
        passed=interval.low <= 0 <= interval.high,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={name: rounded(figure) for name, figure in figures.items()} | {"k": k},
    )


_BEHAVIOUR = {
    "similar_histories_get_similar_answers": "At least half of the first 10 tracks stay when the oldest track of the "
    "history is missing.",
    "no_track_for_nearly_everyone": "No track is recommended to more than 90 % of the playlists.",
    "the_tail_is_reached": "At least 2 % of the recommendations go beyond the most popular fifth of the catalog.",
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
    evidence: dict[str, tuple[bool, dict[str, Any]]] = {
        # NaN where no history is long enough to be shortened: nothing speaks against it.
        "similar_histories_get_similar_answers": (not stability < LEAST_STABILITY, {"stability": stability}),
        "no_track_for_nearly_everyone": (share <= GREATEST_SHARE, {"greatest_share": share}),
        "the_tail_is_reached": (tail >= LEAST_TAIL_SHARE, {"tail_share": tail}),
    }
    for name, (passed, metadata) in evidence.items():
        yield dg.AssetCheckResult(
            check_name=name,
            asset_key="model_leaderboard",
            passed=passed,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={"strategy": str(chosen["strategy"]), **{key: rounded(value) for key, value in metadata.items()}},
        )


@dg.asset_check(
    asset="model_leaderboard",
    description="No other strategy has a higher hit rate than the chosen one, at k or at 10, beyond chance (95 % "
    "interval of the paired difference, for all others together).",
)
def no_strategy_is_better(model_leaderboard: Relation) -> dg.AssetCheckResult:
    """Says which is better, by how much, and what to do."""
    chosen, k = fetch_row(model_leaderboard.filter("is_chosen").select("strategy", "k"))
    ranks = {name: rank_array(own) for name, own in model_leaderboard.select("strategy", "ranks").fetchall()}
    rivals = rivals_of(chosen, ranks, k)
    better = in_words(chosen, rivals)
    return dg.AssetCheckResult(
        passed=not better,
        severity=dg.AssetCheckSeverity.WARN,
        description=better or None,
        metadata=best_other(rivals),
    )


@dg.asset_check(
    asset="model_leaderboard",
    description="Where a strategy finds 95 % of the held-out tracks of 20 playlists or more, one that never recommends "
    "a track of the playlist finds more than 5 %. Else the data repeat themselves, and what finds them is no model: "
    "look for files, or rows, that the source has twice.",
)
def more_than_repeats_is_found(model_leaderboard: Relation) -> dg.AssetCheckResult:
    """Only warns, since the gate judges by the same rule, and says so."""
    repetition = Repetition.of(model_leaderboard)
    return dg.AssetCheckResult(
        passed=not repetition.in_words(),
        severity=dg.AssetCheckSeverity.WARN,
        description=repetition.in_words() or None,
        metadata={name: rounded(value) for name, value in vars(repetition).items()},
    )


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
