"""The trials of a search, held against each other by their hit rate on validation."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rec_assets.core.tuning.trials import Trial, TrialState

_TOP = "10"


@dataclass(frozen=True)
class TrialOutcome:
    """What came of a trial.

    Attributes:
        trial: which.
        state: see :class:`TrialState`.
        report: its figures, see :func:`rec_assets.core.evaluation.report_hit_rate`; None unless it is finished.
        seconds: that training took; None = unknown.
    """

    trial: Trial
    state: TrialState
    report: Mapping[str, Any] | None = None
    seconds: float | None = None

    @property
    def hit_rate(self) -> float | None:
        """Its hit rate (0..1); None unless it is finished."""
        return float(self.report["hit_rate"]) if self.report is not None else None


def best_outcome(outcomes: Sequence[TrialOutcome]) -> TrialOutcome | None:
    """The finished trial with the highest hit rate, of equals the one with the lowest number; None = none finished."""
    finished = [outcome for outcome in outcomes if outcome.state is TrialState.finished]
    return min(finished, key=_place) if finished else None


def leaderboard_rows(outcomes: Sequence[TrialOutcome]) -> list[dict[str, Any]]:
    """A row per trial: the finished ones by falling hit rate, then the others by number; unknown figures are None."""
    best = best_outcome(outcomes)
    return [_row(outcome, is_best=outcome is best) for outcome in sorted(outcomes, key=_place)]


def _place(outcome: TrialOutcome) -> tuple[bool, float, int]:
    return outcome.state is not TrialState.finished, -(outcome.hit_rate or 0.0), outcome.trial.number


def _row(outcome: TrialOutcome, *, is_best: bool) -> dict[str, Any]:
    report = outcome.report or {}
    low, high = report.get("interval", (None, None))
    return {
        "trial": outcome.trial.key,
        "state": outcome.state.value,
        "parameters": json.dumps(dict(outcome.trial.parameters)),
        "hit_rate": outcome.hit_rate,
        "hit_rate_low": low,
        "hit_rate_high": high,
        "hit_rate_at_10": report.get("hit_rates", {}).get(_TOP),
        "mrr": report.get("mrr"),
        "ndcg": report.get("ndcg"),
        "seconds": outcome.seconds,
        "is_best": is_best,
    }
