"""The history of candidates: one entry per decision, the latest last."""

from collections.abc import Mapping
from typing import Any

LONGEST = 500


def entry_of(report: Mapping[str, Any], *, at: str) -> dict[str, Any]:
    """What the history keeps of a decision.

    Args:
        report: ``promote``, ``reasons``, ``compared_with``, ``figures`` and ``candidate``.
        at: when it was made, in UTC.
    """
    candidate, figures = report["candidate"], report["figures"]
    return {
        "at": at,
        "promote": report["promote"],
        "reasons": list(report["reasons"]),
        "compared_with": report["compared_with"],
        "dev_run": candidate["dev_run"],
        "strategy": candidate["strategy"],
        "k": candidate["k"],
        "hit_rate": candidate["hit_rate"],
        "promoted_hit_rate": figures.get("promoted_hit_rate"),
        "difference": figures.get("difference"),
        **candidate["counts"],
    }
