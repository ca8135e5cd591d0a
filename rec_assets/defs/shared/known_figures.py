"""Figures of assets that others show: how long training took, and what a hit rate is told by."""

from collections.abc import Mapping
from typing import Any

import dagster as dg


def known_seconds(instance: dg.DagsterInstance, asset: str) -> float | None:
    """``training_seconds`` of the last materialization of ``asset``; None if ``instance`` knows of none."""
    record = instance.get_latest_materialization_event(dg.AssetKey(asset))
    event = record.asset_materialization if record else None
    found = event.metadata.get("training_seconds") if event else None
    return float(found.value) if isinstance(found, dg.FloatMetadataValue) and found.value is not None else None


def sum_known(*parts: float | None) -> float | None:
    """The sum of ``parts``; None if one is unknown."""
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def hit_rate_metadata(report: Mapping[str, Any], strategy: str) -> dict[str, Any]:
    """What is told of a ``report`` of :func:`rec_assets.core.evaluation.figures.report_hit_rate`."""
    return {
        "strategy": strategy,
        "hit_rate": report["hit_rate"],
        "hit_rate_interval": "{:.4f} to {:.4f}".format(*report["interval"]),
        **{name: report[name] for name in ("mrr", "ndcg", "k", "playlists")},
    }
