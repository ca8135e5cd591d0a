"""What the report of a run shows, which is a model card (Mitchell et al. 2019): from stored figures to its page."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rec_assets.core.base.artists import track_name
from rec_assets.core.evaluation.bootstrap import difference_interval
from rec_assets.core.evaluation.slices import SliceRate
from rec_assets.core.pictures.hit_rates import plot_slice_rates, plot_strategy_curves
from rec_assets.core.report.page import Cell, HtmlPage, picture_of, render_page, setting_text, table_of

_INTERVAL = "95 % interval"
_TOP = 10  # of a list, where more are recommended
_LOWEST, _FEWEST = 3, 20  # kinds of playlists where it fails; of fewer playlists a rate says nothing
UNKNOWN = "unknown: the history of this Dagster home does not have it"
# Column of the leaderboard to its heading and explanation.
_LEADERBOARD = {
    "strategy": ("strategy", ""),
    "hit_rate": ("hit rate@{k}", _INTERVAL),
    "hit_rate_at_10": ("hit rate@10", _INTERVAL),
    "mrr": ("MRR", ""),
    "ndcg": ("NDCG", ""),
    "candidate_recall": ("recall", "targets among candidates"),
    "catalog_coverage": ("coverage", "share of the catalog"),
    "median_popularity": ("popularity", "median training count"),
    "greatest_share": ("top track", "share of playlists that get it"),
    "tail_share": ("tail", "share beyond the popular fifth"),
    "stability": ("stability", "share of the first 10 kept"),
}


@dataclass(frozen=True)
class Origin:
    """What the model was made from.

    Attributes:
        source: names of the playlist files.
        read_at: when they were read, as ISO 8601 in UTC; None where nobody knows.
        is_synthetic: whether they are the shipped sample, which nobody made by listening; None = unknown.
        rows, tracks: of the source.
        training_playlists, vocabulary: on which it was trained, and tracks with a vector.
    """

    source: str
    read_at: str | None
    is_synthetic: bool | None
    rows: int
    tracks: int
    training_playlists: int
    vocabulary: int


@dataclass(frozen=True)
class Assessment:
    """The stored results of a run, as plain values.

    Attributes:
        origin: what the model was made from.
        reports: ``validation`` and ``test`` to their hit-rate report.
        leaderboard: rows of the leaderboard, by falling hit rate.
        strategy_ranks: strategy to the ranks (n,) of the validation targets.
        slices: of validation.
        examples: rows as of :func:`example_playlists`, with ``artist`` and ``track``.
        track_map: PNG and caption.
        settings: of every asset upstream, by asset.
        versions: of every asset upstream.
    """

    origin: Origin
    reports: Mapping[str, Mapping[str, Any]]
    leaderboard: Sequence[Mapping[str, Any]]
    strategy_ranks: Mapping[str, np.ndarray]
    slices: Sequence[SliceRate]
    examples: Sequence[Mapping[str, Any]]
    track_map: tuple[bytes, str]
    settings: Mapping[str, Mapping[str, Any]]
    versions: Mapping[str, str]


def build_report(assessment: Assessment) -> HtmlPage:
    """The page of the ``assessment``; the same one gives the same page."""
    validation, (track_map, map_caption) = assessment.reports["validation"], assessment.track_map
    return render_page(
        validation=validation,
        origin=assessment.origin,
        facts=_facts(assessment),
        summary=_summary(validation),
        chosen=next(row for row in assessment.leaderboard if row["is_chosen"]),
        held_out=_held_out(assessment, validation["k"]),
        leaderboard=_leaderboard(assessment, validation["k"]),
        curves=_curves(assessment, validation["k"]),
        slices=_slices(assessment, validation["k"]),
        lowest=_lowest(assessment.slices, validation["k"], validation["hit_rate"]),
        examples=_examples(assessment),
        track_map=picture_of(track_map, map_caption, map_caption),
        settings=_settings(assessment.settings),
        versions=assessment.versions,
    )


def _facts(assessment: Assessment) -> dict[str, str]:
    """What a reader must know before any figure."""
    origin, validation = assessment.origin, assessment.reports["validation"]
    held_out = " and ".join(f"{report['playlists']:,} for {part}" for part, report in assessment.reports.items())
    return {
        "Source": origin.source + (" (synthetic data)" if origin.is_synthetic else ""),
        "Read": origin.read_at or UNKNOWN,
        "Rows": f"{origin.rows:,} rows of {origin.tracks:,} tracks",
        "Playlists": f"{origin.training_playlists:,} for training, {held_out}",
        "Model": f"{assessment.versions['recommender']}, of {origin.vocabulary:,} tracks with a vector",
        "Strategy": f"{validation['strategy']}, which recommends {validation['k']} tracks",
    }


def _summary(validation: Mapping[str, Any]) -> str:
    k, (low, high) = validation["k"], validation["interval"]
    return (
        f"The strategy {validation['strategy']} recommends the held-out track among {k} for "
        f"{validation['hit_rate']:.1%} of {validation['playlists']:,} validation playlists (95 % interval {low:.1%} "
        f"to {high:.1%}); the {k} most popular tracks contain it for {validation['popularity_hit_rate']:.1%}."
    )


def _held_out(assessment: Assessment, k: int) -> dict[str, Any]:
    cuts = [str(k), str(_TOP)] if k > _TOP else [str(k)]
    rows: list[list[Cell]] = []
    for part, report in assessment.reports.items():
        rates = [(report["hit_rates"][cut], *report["intervals"][cut]) for cut in cuts]
        counts = [report[name] for name in ("mrr", "ndcg", "popularity_hit_rate", "playlists", "cold_queries")]
        rows.append([part, *rates, *counts])
    validation, test = (_hits(assessment.reports[part]) for part in ("validation", "test"))
    interval = difference_interval(validation, test)
    difference = (float(validation.mean() - test.mean()), interval.low, interval.high)
    columns = [("", ""), *((f"hit rate@{cut}", _INTERVAL) for cut in cuts), ("MRR", ""), ("NDCG", "")]
    columns += [("popularity", f"hit rate@{k}"), ("playlists", ""), ("cold queries", "")]
    rows.append(["validation less test", difference, *[None] * (len(columns) - 2)])
    return table_of("Last track of each held-out playlist, to be found", columns, rows)


def _hits(report: Mapping[str, Any]) -> np.ndarray:
    """(n,) bool with as many hits and playlists as in the report; which playlists were hit does not matter here."""
    return np.arange(report["playlists"]) < round(report["hit_rate"] * report["playlists"])


def _leaderboard(assessment: Assessment, k: int) -> dict[str, Any]:
    shown = {name: heading for name, heading in _LEADERBOARD.items() if k > _TOP or name != "hit_rate_at_10"}
    columns = [(heading.format(k=k), explanation) for heading, explanation in shown.values()]
    rows = [[_cell(row, name) for name in shown] for row in assessment.leaderboard]
    chosen = next(place for place, row in enumerate(assessment.leaderboard) if row["is_chosen"])
    caption = f"All strategies on the same {assessment.leaderboard[0]['playlists']:,} validation playlists"
    return table_of(caption, columns, rows, chosen)


def _cell(row: Mapping[str, Any], name: str) -> Cell:
    if name in ("hit_rate", "hit_rate_at_10") and not math.isnan(row[name]):
        return row[name], row[f"{name}_low"], row[f"{name}_high"]
    return row[name]


def _curves(assessment: Assessment, k: int) -> dict[str, str]:
    chosen = next(row["strategy"] for row in assessment.leaderboard if row["is_chosen"])
    title = f"Hit rate by strategy, {len(assessment.strategy_ranks[chosen]):,} validation playlists"
    picture = plot_strategy_curves(assessment.strategy_ranks, k=k, title=title, chosen=chosen)
    figures = ", ".join(f"{row['strategy']} {row['hit_rate']:.3f}" for row in assessment.leaderboard)
    return picture_of(picture, "Hit rate against the number of tracks recommended.", f"{title}, at {k}: {figures}")


def _slices(assessment: Assessment, k: int) -> dict[str, str]:
    validation = assessment.reports["validation"]
    title = f"Hit rate@{k} by slice, {validation['playlists']:,} validation playlists"
    picture = plot_slice_rates(assessment.slices, k=k, title=title, overall=validation["hit_rate"])
    figures = ", ".join(f"{rate.slice} {rate.value} {rate.hit_rate:.3f}" for rate in assessment.slices)
    return picture_of(picture, "Hit rate of kinds of playlists, with 95 % intervals.", f"{title}: {figures}")


def _lowest(slices: Sequence[SliceRate], k: int, overall: float) -> dict[str, Any]:
    """Those below the ``overall`` hit rate beyond chance, the worst first; without any, the lowest few."""
    known = [rate for rate in slices if rate.playlists >= _FEWEST]
    judged = sorted(known or slices, key=lambda rate: rate.hit_rate)
    lowest = [rate for rate in judged if rate.high < overall] or judged[:_LOWEST]
    rows: list[list[Cell]] = [
        [f"{rate.slice}: {rate.value}", (rate.hit_rate, rate.low, rate.high), rate.playlists] for rate in lowest
    ]
    of = f", of those with at least {_FEWEST} playlists" if known else ""
    caption = f"Kinds of playlists with the lowest hit rate{of}"
    return table_of(caption, [("kind", ""), (f"hit rate@{k}", _INTERVAL), ("playlists", "")], rows)


def _examples(assessment: Assessment) -> list[dict[str, Any]]:
    """For each playlist the names in ``history`` and ``recommended``, ``target``, and its ``rank``, 0 = not found."""
    examples = []
    for playlist in dict.fromkeys(row["playlist"] for row in assessment.examples):
        own = [row for row in assessment.examples if row["playlist"] == playlist]
        names = {part: [_name(row) for row in own if row["part"] == part] for part in ("history", "recommended")}
        target = next(row for row in own if row["part"] == "target")
        examples.append({**names, "target": _name(target), "rank": target["place"] or 0})
    return examples


def _name(row: Mapping[str, Any]) -> str:
    return track_name(row["artist"], row["track"])


def _settings(by_asset: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Every setting once, as in the flat config of a job; one on which assets differ, with each asset's name."""
    texts: dict[str, str] = {}
    for name in sorted({name for settings in by_asset.values() for name in settings}):
        found = {asset: settings[name] for asset, settings in by_asset.items() if name in settings}
        values = list(found.values())
        if all(value == values[0] for value in values):
            texts[name] = setting_text(values[0])
        else:
            texts |= {f"{name} ({asset})": setting_text(value) for asset, value in found.items()}
    return texts
