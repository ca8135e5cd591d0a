"""The trials of a search together: their order, how far the search is, and whether the best one beats the defaults."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import ceil
from typing import Any

import yaml

from rec_assets.core.base.progress import time_left
from rec_assets.core.evaluation.bootstrap import LEVEL, Interval, paired_difference_interval
from rec_assets.core.tuning.search import Search, Value
from rec_assets.core.tuning.trials import TrialResult

_TOP = "10"
_RESAMPLES = 50_000  # enough for the tails where the level is high


class TrialState(Enum):
    """How far a trial has come; ``waiting``: planned, or its worker is gone."""

    finished = "finished"
    failed = "failed"
    running = "running"
    waiting = "waiting"


@dataclass(frozen=True)
class TrialOutcome:
    """What came of a trial: its ``result`` if it is finished, the ``reason`` if it failed."""

    number: int
    parameters: Mapping[str, Value]
    state: TrialState
    result: TrialResult | None = None
    reason: str = ""

    @property
    def hit_rate(self) -> float:
        """Its hit rate (0..1); 0 unless it is finished."""
        return float(self.result.report["hit_rate"]) if self.result else 0.0

    def in_one_line(self) -> str:
        """Its parameters, and what came of it."""
        values = (f"{value:.4g}" if isinstance(value, float) else value for value in self.parameters.values())
        told = ", ".join(f"{name}={value}" for name, value in zip(self.parameters, values, strict=True))
        if self.result is None:
            return f"trial {self.number} {self.state.value} ({told}) {self.reason}"
        report = self.result.report
        figures = "hit rate@{k} {hit_rate:.4f} ({interval[0]:.4f} to {interval[1]:.4f}), mrr {mrr:.4f}".format(**report)
        return f"trial {self.number} finished in {self.result.seconds:.1f} s ({told}): {figures}"


@dataclass(frozen=True)
class Verdict:
    """Whether the best trial beats the defaults.

    Attributes:
        best: the finished trial with the highest hit rate, of equals the first.
        defaults: the trial of the defaults; None if it did not finish.
        difference: interval of the hit rate of ``best`` minus that of ``defaults``; None if one of them is missing. The
            more trials, the higher its level (Bonferroni): the best of many is above the defaults by chance alone.
    """

    best: TrialOutcome
    defaults: TrialOutcome | None
    difference: Interval | None

    @property
    def keeps_defaults(self) -> bool:
        """Whether the defaults finished, and no trial beats them beyond chance."""
        return self.defaults is not None and (self.difference is None or self.difference.low <= 0)

    def in_words(self) -> str:
        """One or two sentences for people."""
        best, own = f"Trial {self.best.number} is the best ({self.best.hit_rate:.4f} on validation)", self.difference
        if self.defaults is None:
            return f"{best}; the trial of the defaults did not finish, so nothing says whether it beats them."
        if own is None:
            return f"No trial has a higher hit rate than the defaults ({self.defaults.hit_rate:.4f} on validation)."
        beats = "does not beat the defaults beyond chance" if self.keeps_defaults else "beats the defaults"
        gain, interval = self.best.hit_rate - self.defaults.hit_rate, f"{own.low:+.4f} to {own.high:+.4f}"
        return f"{best}. It {beats} ({self.defaults.hit_rate:.4f}): {gain:+.4f} ({interval} at {own.level:.1%})."


def judge(search: Search, outcomes: Sequence[TrialOutcome]) -> Verdict | None:
    """What the finished trials of ``search`` say; None if none is finished."""
    finished = sorted((outcome for outcome in outcomes if outcome.result), key=_place)
    defaults = next((outcome for outcome in finished if outcome.parameters == search.defaults), None)
    if not finished:
        return None
    best, other = finished[0].result, defaults.result if defaults else None
    if best is None or other is None or best is other:
        return Verdict(finished[0], defaults, None)
    level = 1 - (1 - LEVEL) / (len(finished) - 1)
    difference = paired_difference_interval(best.hits, other.hits, level=level, resamples=_RESAMPLES)
    return Verdict(finished[0], defaults, difference)


def best_config(search: Search, verdict: Verdict) -> str:
    """A config of training_job as YAML: the best trial's settings if it beats the defaults, else the defaults."""
    parameters = search.defaults if verdict.keeps_defaults else verdict.best.parameters
    kept = " These are the defaults." if verdict.keeps_defaults else ""
    heading = f"# Search {search.name}. {verdict.in_words()}{kept}"
    return f"{heading}\n{yaml.safe_dump({**search.fixed, **parameters}, sort_keys=False)}"


def tell_progress(search: Search, outcomes: Sequence[TrialOutcome]) -> str:
    """How far the search is, such as "3/8, about 2 min left, best so far 0.7062"."""
    finished = [outcome for outcome in outcomes if outcome.result]
    done = len(finished) + sum(outcome.state is TrialState.failed for outcome in outcomes)
    told = f"{done}/{search.trials}"
    if not finished:
        return told
    seconds = sum(outcome.result.seconds for outcome in finished if outcome.result) / len(finished)
    left = seconds * ceil(max(0, search.trials - done) / search.workers)
    told += f", {time_left(left)}" if left else ""
    return f"{told}, best so far {max(outcome.hit_rate for outcome in finished):.4f}"


def leaderboard_rows(search: Search, outcomes: Sequence[TrialOutcome]) -> list[dict[str, Any]]:
    """A row per trial: the finished ones by falling hit rate, then the others by number; unknown figures are None."""
    return [_row(search, outcome) for outcome in sorted(outcomes, key=_place)]


def _place(outcome: TrialOutcome) -> tuple[bool, float, int]:
    return outcome.result is None, -outcome.hit_rate, outcome.number


def _row(search: Search, outcome: TrialOutcome) -> dict[str, Any]:
    report = outcome.result.report if outcome.result else {}
    low, high = report.get("interval", (None, None))
    return {
        "trial": outcome.number,
        "state": outcome.state.value,
        "parameters": json.dumps(dict(outcome.parameters)),
        "is_default": outcome.parameters == search.defaults,
        "hit_rate_low": low,
        "hit_rate_high": high,
        "hit_rate_at_10": report.get("hit_rates", {}).get(_TOP),
        **{name: report.get(name) for name in ("hit_rate", "mrr", "ndcg")},
        "seconds": outcome.result.seconds if outcome.result else None,
        "reason": outcome.reason or None,
    }
