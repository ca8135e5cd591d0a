"""The gate: whether a candidate may replace the promoted model, and if not, why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.evaluation.bootstrap import bootstrap_interval, paired_difference_interval
from rec_assets.core.evaluation.metrics import hits
from rec_assets.core.promoted.comparing import Comparison

_SHARE = {"ge": 0, "le": 1}
# So many more playlists that popularity hits are no chance: of five coins all fall alike in 6 of 100 throws.
_TELLING = 6


class GateSettings(Settings):
    """The bounds within which a candidate may replace the promoted model."""

    max_hit_rate_loss: float = setting(
        0.02,
        "The candidate is refused if its hit rate is below that of the promoted model by more than this (0.02 = 2 "
        "points) on the same playlists, if the 95 % interval of the difference reaches to twice this, or if the "
        "losses of successive candidates add up to more than twice this. See also max_relative_loss: the smaller of "
        "the two holds.",
        **_SHARE,
    )
    max_relative_loss: float = setting(
        0.2,
        "The candidate is refused if it loses a larger share than this of the promoted model's hit rate (0.2 = a "
        "fifth). See also max_hit_rate_loss: the smaller of the two holds.",
        **_SHARE,
    )
    max_hit_rate_gain: float = setting(
        0.15,
        "The candidate is refused if its hit rate is above that of the promoted model by more than this beyond "
        "chance (0.15 = 15 points) though both are asked in the same way: it probably knows the held-out tracks.",
        **_SHARE,
    )
    max_hit_rate_shift: float = setting(
        0.1,
        "The candidate is refused if the promoted model's own hit rate on today's validation playlists is below the "
        "one at its promotion by more than this beyond chance (0.1 = 10 points): the data have changed.",
        **_SHARE,
    )
    max_copied_share: float = setting(
        0.1,
        "The candidate is refused if a larger share of the validation playlists than this has the same tracks as a "
        "training playlist.",
        **_SHARE,
    )
    may_only_repeat: bool = setting(
        False,
        "Whether a candidate is promoted even if the only held-out tracks it finds are repeats from the same "
        "playlist. This mostly means that the source holds its files or rows twice.",
    )
    min_data_ratio: float = setting(
        0.8,
        "The candidate is refused if its rows, playlists or tracks are fewer than this many times those of the "
        "promoted model.",
        **_SHARE,
    )
    max_data_ratio: float = setting(
        1.5,
        "The candidate is refused if its rows, playlists or tracks are more than this many times those of the "
        "promoted model.",
        ge=1,
        le=1_000_000,
    )
    min_known_share: float = setting(
        0.7,
        "The candidate is refused if the promoted model knows the tracks of a smaller share of its rows than this "
        "(0.7 = 70 %).",
        ge=0,
        le=1,
    )
    compared_playlists: int = setting(
        10_000,
        "Number of validation playlists, at most, on which the candidate is compared with the promoted model.",
        ge=1,
    )
    replace_unreadable: bool = setting(
        False,
        "Whether the candidate is promoted without a comparison where the promoted model cannot be read, or where "
        "versions are kept but none of them is current.",
    )


@dataclass(frozen=True)
class Decision:
    """Whether to promote, every reason against it, and the figures behind them."""

    promote: bool
    reasons: list[str]
    figures: dict[str, Any]


def decide(
    candidate: Mapping[str, Any],
    promoted: Mapping[str, Any] | None,
    comparison: Comparison | None,
    bounds: GateSettings,
    failed_checks: Sequence[str] = (),
) -> Decision:
    """Judge a candidate by the promoted model.

    Args:
        candidate: ``hit_rate`` with its ``interval``, ``popularity_hit_rate``, ``k``, ``question``, ``dev_run``,
            ``copied_share``, ``validation_playlists``, ``only_repeats`` (see :meth:`Repetition.in_words`) and
            ``counts`` (``rows``, ``playlists``, ``tracks``) of the candidate.
        promoted: the same of the promoted model; None if there is none.
        comparison: None if there is no promoted model.
        bounds: see :class:`GateSettings`.
        failed_checks: names of the candidate's checks that failed.
    """
    figures: dict[str, Any] = {"bounds": bounds.as_dict()}
    reasons = [f"the check {name} failed" for name in failed_checks]
    missed = (candidate["popularity_hit_rate"] - candidate["hit_rate"]) * candidate["validation_playlists"]
    if candidate["interval"][1] < candidate["popularity_hit_rate"] and round(missed) >= _TELLING:
        reasons.append(
            f"the candidate's hit rate is {candidate['hit_rate']:.4f} (95 % interval to "
            f"{candidate['interval'][1]:.4f}), below that of the k most frequent tracks "
            f"({candidate['popularity_hit_rate']:.4f})"
        )
    if candidate["copied_share"] > bounds.max_copied_share:
        reasons.append(
            f"{candidate['copied_share']:.1%} of the held-out playlists are training playlists, too, track by track: "
            f"the source has them twice; expected at most {bounds.max_copied_share:.1%} (max_copied_share)"
        )
    if candidate["only_repeats"] and not bounds.may_only_repeat:
        reasons.append(f"{candidate['only_repeats']}, or set may_only_repeat: true if that is how playlists are")
    if promoted is not None and comparison is not None:
        if candidate["dev_run"] and not promoted["dev_run"]:
            reasons.append("the candidate is of a dev run, the promoted model is of all playlists")
        if candidate["dev_run"] == promoted["dev_run"]:
            reasons += _data_reasons(candidate["counts"], promoted["counts"], comparison, bounds, figures)
            reasons += _shift_reasons(promoted, comparison, bounds, figures)
        same_question = candidate["question"] == promoted["question"]
        lost_before = promoted.get("figures", {}).get("loss_so_far", 0.0)
        reasons += _difference_reasons(comparison, bounds, figures, lost_before, may_gain=not same_question)
    return Decision(not reasons, reasons, figures)


def _data_reasons(
    now: Mapping[str, int],
    before: Mapping[str, int],
    comparison: Comparison,
    bounds: GateSettings,
    figures: dict[str, Any],
) -> list[str]:
    reasons = []
    for name in ("rows", "playlists", "tracks"):
        ratio = figures[f"{name}_ratio"] = now[name] / max(before[name], 1)
        if not bounds.min_data_ratio <= ratio <= bounds.max_data_ratio:
            reasons.append(
                f"the data have {now[name]:,} {name}, {ratio:.2f} times the {before[name]:,} of the promoted model; "
                f"expected {bounds.min_data_ratio:g} to {bounds.max_data_ratio:g} (min_data_ratio, max_data_ratio)"
            )
    figures["known_share"] = comparison.known_share
    if comparison.known_share < bounds.min_known_share:
        reasons.append(
            f"the promoted model knows the track of {comparison.known_share:.1%} of the rows; expected at least "
            f"{bounds.min_known_share:.1%} (min_known_share)"
        )
    return reasons


def _shift_reasons(
    promoted: Mapping[str, Any], comparison: Comparison, bounds: GateSettings, figures: dict[str, Any]
) -> list[str]:
    if comparison.k != promoted["k"] or len(comparison.promoted) == 0:
        return []  # hit rates of different k say nothing of each other
    found = hits(comparison.promoted, k=comparison.k).astype(np.float64)
    interval = bootstrap_interval(found)
    figures["promoted_hit_rate_when_promoted"] = promoted["hit_rate"]
    if interval.high >= promoted["hit_rate"] - bounds.max_hit_rate_shift:
        return []
    return [
        f"the held-out playlists have changed: the promoted model's hit rate on them is {found.mean():.4f} (95 % "
        f"interval to {interval.high:.4f}); it was {promoted['hit_rate']:.4f} when it was promoted; expected a fall of "
        f"at most {bounds.max_hit_rate_shift:g} (max_hit_rate_shift)"
    ]


def _difference_reasons(
    comparison: Comparison, bounds: GateSettings, figures: dict[str, Any], lost_before: float, *, may_gain: bool
) -> list[str]:
    figures |= {"compared_playlists": len(comparison.candidate), "left_out_playlists": comparison.left_out}
    if len(comparison.candidate) == 0:
        return [
            f"no held-out playlist is left to compare by: the promoted model was trained on all {comparison.left_out}. "
            "Split as before (split, split_seed)"
        ]
    ours, theirs = (hits(ranks, k=comparison.k) for ranks in (comparison.candidate, comparison.promoted))
    interval = paired_difference_interval(ours, theirs)
    difference = float(ours.mean() - theirs.mean())
    figures |= {
        "candidate_hit_rate": float(ours.mean()),
        "promoted_hit_rate": float(theirs.mean()),
        "difference": difference,
        "difference_low": interval.low,
        "difference_high": interval.high,
        # A gain makes up for earlier losses, and no more: the best model so far is what counts.
        "loss_so_far": min(0.0, lost_before + difference),
    }
    found = (
        f"on the same {len(ours):,} held-out playlists the hit rate of the candidate is {ours.mean():.4f}, that of the "
        f"promoted model {theirs.mean():.4f}: {difference:+.4f} (95 % interval {interval.low:+.4f} to "
        f"{interval.high:+.4f})"
    )
    # A difference of shares may be a hair beyond the margin that it equals.
    margin = min(bounds.max_hit_rate_loss, bounds.max_relative_loss * float(theirs.mean())) + 1e-9
    named = f"{margin:.3g} (max_hit_rate_loss, max_relative_loss)"
    if difference < -margin:
        return [f"{found}; expected a loss of at most {named}"]
    if interval.low < -2 * margin:
        return [
            f"{found}, which are too few to tell; expected an interval from minus twice {named} up. Bring more "
            "playlists, or raise them"
        ]
    if figures["loss_so_far"] < -2 * margin:
        return [
            f"{found}, and all losses since the best model are {figures['loss_so_far']:+.4f}; expected twice {named}"
        ]
    if not may_gain and interval.low > bounds.max_hit_rate_gain:
        return [
            f"{found}, which is too good: held-out tracks are probably known, by rows or playlists that the source has "
            f"twice; expected a gain of at most {bounds.max_hit_rate_gain:g} (max_hit_rate_gain)"
        ]
    return []


def entry_of(report: Mapping[str, Any], *, at: str) -> dict[str, Any]:
    """What the history of candidates keeps of the ``report`` of a decision, made ``at`` a time in UTC."""
    candidate, figures = report["candidate"], report["figures"]
    return {
        "at": at,
        **{name: report[name] for name in ("promote", "reasons", "compared_with")},
        **{name: candidate[name] for name in ("dev_run", "strategy", "k", "hit_rate")},
        **{name: figures.get(name) for name in ("promoted_hit_rate", "difference")},
        **candidate["counts"],
    }
