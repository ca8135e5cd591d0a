"""What the report of a run says: from stored figures to its sections."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rec_assets.core.evaluation.metrics import difference_interval
from rec_assets.core.evaluation.slices import SliceRate
from rec_assets.core.pictures import plot_slice_rates, plot_strategy_curves
from rec_assets.core.playlists.catalog import track_name
from rec_assets.core.report.content import (
    Cell,
    Column,
    Definitions,
    Estimate,
    Example,
    Examples,
    Note,
    Picture,
    ReportContent,
    Section,
    Table,
)

_COLD_NOTE = (
    "A track that never occurs in training is never recommended, except again in a playlist that holds it: that it "
    "exists is known from held-out playlists only. Such targets (target popularity: cold) count as misses."
)
_INTERVAL_NOTE = (
    "Intervals are 95 % percentile intervals by bootstrap over playlists. Settings and the default strategy are chosen "
    "on validation playlists; nothing is chosen by the test playlists."
)
# Without the times of the leaderboard, so that the same models give the same page.
_LEADERBOARD = {
    "strategy": Column("strategy"),
    "hit_rate": Column("hit rate@{k}", "95 % interval"),
    "hit_rate_at_10": Column("hit rate@10", "95 % interval"),
    "mrr": Column("MRR"),
    "ndcg": Column("NDCG"),
    "catalog_coverage": Column("coverage", "share of the catalog"),
    "median_popularity": Column("popularity", "median training count"),
    "greatest_share": Column("top track", "share of playlists that get it"),
    "tail_share": Column("tail", "share beyond the popular fifth"),
    "stability": Column("stability", "share of the first 10 kept"),
}


@dataclass(frozen=True)
class Assessment:
    """The stored results of a run, as plain values.

    Attributes:
        reports: ``validation`` and ``test`` to their hit-rate report.
        leaderboard: rows of the leaderboard, by falling hit rate.
        strategy_ranks: strategy to the ranks (n,) of the validation targets.
        slices: of validation.
        examples: of :class:`~rec_assets.core.evaluation.examples.ExampleTrack` as rows, with ``artist`` and ``track``.
        track_map: PNG and caption.
        settings: of every asset upstream, by asset.
        versions: of every asset upstream.
    """

    reports: Mapping[str, Mapping[str, Any]]
    leaderboard: Sequence[Mapping[str, Any]]
    strategy_ranks: Mapping[str, np.ndarray]
    slices: Sequence[SliceRate]
    examples: Sequence[Mapping[str, Any]]
    track_map: tuple[bytes, str]
    settings: Mapping[str, Mapping[str, Any]]
    versions: Mapping[str, str]


def assess(assessment: Assessment) -> ReportContent:
    """The content of the report."""
    validation = assessment.reports["validation"]
    k, low_high = validation["k"], validation["interval"]
    banner = None
    if validation["dev_run"]:
        banner = (
            f"Dev run on {validation['sample_percent']:g} % of the playlists: these are not the figures of all data."
        )
    return ReportContent(
        title="Next-track recommendations",
        summary=f"The strategy {validation['strategy']} recommends the held-out track among {k} for "
        f"{validation['hit_rate']:.1%} of {validation['playlists']:,} validation playlists (95 % interval "
        f"{low_high[0]:.1%} to {low_high[1]:.1%}); the {k} most popular tracks do for "
        f"{validation['popularity_hit_rate']:.1%}.",
        banner=banner,
        sections=[
            Section("Held-out playlists", [_held_out(assessment, k), Note(_INTERVAL_NOTE)]),
            Section("Strategies", [_leaderboard(assessment, k), _curves(assessment, k)]),
            Section("Where it hits", [_slices(assessment, k), Note(_COLD_NOTE)]),
            Section("Examples", [Examples(_examples(assessment))]),
            Section("The model", [Picture(assessment.track_map[0], assessment.track_map[1], assessment.track_map[1])]),
            Section("How it was made", [_settings(assessment), Definitions("Data versions", assessment.versions)]),
        ],
    )


def _held_out(assessment: Assessment, k: int) -> Table:
    top = str(min(10, k))
    rows: list[list[Cell]] = []
    for part, report in assessment.reports.items():
        rates = [Estimate(report["hit_rates"][at], *report["intervals"][at]) for at in (str(k), top)]
        counts = [report[name] for name in ("mrr", "ndcg", "popularity_hit_rate", "playlists", "cold_queries")]
        rows.append([part, *rates, *counts])
    validation, test = (_hits(assessment.reports[part]) for part in ("validation", "test"))
    interval = difference_interval(validation, test)
    difference = Estimate(float(validation.mean() - test.mean()), interval.low, interval.high)
    rows.append(["validation less test", difference, *[None] * 6])
    columns = [Column(""), Column(f"hit rate@{k}", "95 % interval"), Column(f"hit rate@{top}", "95 % interval")]
    columns += [Column("MRR"), Column("NDCG"), Column("popularity", f"hit rate@{k}"), Column("playlists")]
    return Table("Last track of each held-out playlist, to be found", [*columns, Column("cold queries")], rows)


def _hits(report: Mapping[str, Any]) -> np.ndarray:
    """(n,) bool as many hits as the report counts, of as many playlists; which playlists they are is not asked."""
    return np.arange(report["playlists"]) < round(report["hit_rate"] * report["playlists"])


def _leaderboard(assessment: Assessment, k: int) -> Table:
    columns = [Column(column.name.format(k=k), column.explanation) for column in _LEADERBOARD.values()]
    rows = [[_cell(row, name) for name in _LEADERBOARD] for row in assessment.leaderboard]
    chosen = next(place for place, row in enumerate(assessment.leaderboard) if row["is_chosen"])
    caption = f"All strategies on the same {assessment.leaderboard[0]['playlists']:,} validation playlists"
    return Table(caption, columns, rows, highlighted=chosen)


def _cell(row: Mapping[str, Any], name: str) -> Cell:
    if name in ("hit_rate", "hit_rate_at_10") and not math.isnan(row[name]):
        return Estimate(row[name], row[f"{name}_low"], row[f"{name}_high"])
    return row[name]


def _curves(assessment: Assessment, k: int) -> Picture:
    chosen = next(row["strategy"] for row in assessment.leaderboard if row["is_chosen"])
    title = f"Hit rate by strategy, {len(assessment.strategy_ranks[chosen]):,} validation playlists"
    picture = plot_strategy_curves(assessment.strategy_ranks, k=k, title=title, chosen=chosen)
    figures = ", ".join(f"{row['strategy']} {row['hit_rate']:.3f}" for row in assessment.leaderboard)
    return Picture(picture, "Hit rate against the number of tracks recommended.", f"{title}, at {k}: {figures}")


def _slices(assessment: Assessment, k: int) -> Picture:
    validation = assessment.reports["validation"]
    title = f"Hit rate@{k} by slice, {validation['playlists']:,} validation playlists"
    picture = plot_slice_rates(assessment.slices, k=k, title=title, overall=validation["hit_rate"])
    figures = ", ".join(f"{rate.slice} {rate.value} {rate.hit_rate:.3f}" for rate in assessment.slices)
    return Picture(picture, "Hit rate of kinds of playlists, with 95 % intervals.", f"{title}: {figures}")


def _examples(assessment: Assessment) -> list[Example]:
    examples = []
    for playlist in dict.fromkeys(row["playlist_id"] for row in assessment.examples):
        own = [row for row in assessment.examples if row["playlist_id"] == playlist]
        names = {part: [_name(row) for row in own if row["part"] == part] for part in ("history", "recommended")}
        target = next(row for row in own if row["part"] == "target")
        examples.append(Example(names["history"], _name(target), names["recommended"], target["place"] or 0))
    return examples


def _name(row: Mapping[str, Any]) -> str:
    return track_name(row["artist"], row["track"])


def _settings(assessment: Assessment) -> Definitions:
    """Every setting once, as in the flat config of a job; one that assets have differently, with each asset's name."""
    items: dict[str, Cell] = {}
    for name in sorted({name for settings in assessment.settings.values() for name in settings}):
        found = {asset: settings[name] for asset, settings in assessment.settings.items() if name in settings}
        values = list(found.values())
        if all(value == values[0] for value in values):
            items[name] = _text(values[0])
        else:
            items |= {f"{name} ({asset})": _text(value) for asset, value in found.items()}
    return Definitions("Settings", items)


def _text(value: Any) -> Cell:
    return value if isinstance(value, str | float | int) else str(value)
