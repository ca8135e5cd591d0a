"""Hit rates: against k by strategy, by kind of playlist, and of candidates over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np

from rec_assets.core.evaluation.slices import SliceRate
from rec_assets.core.pictures.drawing import (
    BLUE,
    GREEN,
    GREY,
    MARKERS,
    ORANGE,
    PALETTE,
    STROKES,
    WIDEST,
    drawable,
    new_axes,
    to_png,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST_NAME = 28
ROW_HEIGHT = 0.27  # inches
_RATE = "hit rate@k (share of playlists)"
SHOWN = 52  # candidates
_COLUMNS = 3  # of the legend: names of a usual length have room
_DATES = 5  # that fit beside each other
_WIDE = 200  # times the lowest count: from there on, powers of ten are ticks enough


def plot_strategy_curves(ranks_by_strategy: Mapping[str, np.ndarray], *, k: int, title: str, chosen: str) -> bytes:
    """Hit rate against k, from 1 to ``k``, of each strategy, as PNG; the ``chosen`` one is drawn thick.

    ``ranks_by_strategy``: (n,) ranks of the targets by name, 1 = best, 0 = not found; n above 0. The axis of k is
    logarithmic: between 1 and 10 the strategies differ most. A strategy has its colour, stroke and mark by its place in
    the mapping, and is listed in the legend by falling hit rate at ``k``. Above ten strategies marks repeat.
    """
    curves = {name: hit_rate_at_each_k(ranks, k) for name, ranks in ranks_by_strategy.items()}
    figure, axes = new_axes(WIDEST, 4.8, title)
    for place, (name, curve) in enumerate(curves.items()):
        _draw(axes, curve, place, label=name, chosen=name == chosen)
    axes.set(xlabel="k (tracks recommended, logarithmic)", ylabel=_RATE)
    axes.set_xscale("log")
    axes.minorticks_off()
    axes.set_xticks(_round_ks(k), [f"{at:,}" for at in _round_ks(k)])
    axes.set_xlim(0.9, k * 1.1)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    _add_legend(axes, curves, k, chosen)
    return to_png(figure)


def hit_rate_at_each_k(ranks: np.ndarray, k: int) -> np.ndarray:
    """(k,) the share (0..1) of ``ranks`` (n,) (1 = best, 0 = not found) within the first 1, 2, … ``k``."""
    return np.bincount(ranks[(ranks >= 1) & (ranks <= k)], minlength=k + 1)[1:].cumsum() / len(ranks)


def _draw(axes: Axes, curve: np.ndarray, place: int, *, label: str, chosen: bool) -> None:
    axes.plot(
        np.arange(1, len(curve) + 1),
        curve,
        linestyle="-" if chosen else STROKES[place % len(STROKES)],
        marker=MARKERS[place % len(MARKERS)],
        color=PALETTE[place % len(PALETTE)],
        markevery=[at - 1 for at in _round_ks(len(curve))],
        linewidth=3.2 if chosen else 1.4,
        markersize=8 if chosen else 5.5,
        zorder=3 if chosen else 2,
        label=label,
    )


def _add_legend(axes: Axes, curves: Mapping[str, np.ndarray], k: int, chosen: str) -> None:
    """The names below, by falling hit rate down the columns; beside the picture the UI would cut them off."""
    order = sorted(curves, key=lambda name: -curves[name][-1])
    lines = dict(zip(curves, axes.get_lines(), strict=True))
    legend = axes.figure.legend(
        [lines[name] for name in order],
        [f"{curves[name][-1]:.3f}  {drawable(name, LONGEST_NAME)}" for name in order],
        title=f"hit rate@{k}",
        loc="outside lower left",
        ncols=_COLUMNS,
        frameon=False,
        handlelength=3.6,
        alignment="left",
    )
    legend.get_texts()[order.index(chosen)].set_fontweight("bold")


def _round_ks(k: int) -> Sequence[int]:
    """1, 2, 5, 10, 20, 50, … up to ``k``, and ``k`` in place of those that are too near to it."""
    round_ks = [step * 10**power for power in range(len(str(k))) for step in (1, 2, 5)]
    return [at for at in round_ks if at * 1.3 < k] + [k]


def plot_slice_rates(slices: Sequence[SliceRate], *, k: int, title: str, overall: float) -> bytes:
    """Hit rate@``k`` of each slice with its interval, a row each, as PNG; slices of one kind under a heading.

    ``slices``: those of one kind next to each other, at least one. ``overall``: hit rate (0..1) of all playlists, a
    line from top to bottom.
    """
    rows: list[str | SliceRate] = []  # from top to bottom, a heading (text) before the slices of each kind
    for kind, members in groupby(slices, key=lambda rate: rate.slice):
        rows += [kind, *members]
    figure, axes = new_axes(WIDEST, 1.1 + ROW_HEIGHT * len(rows), title)
    axes.axvline(overall, color=ORANGE, linestyle="--", linewidth=1.4, zorder=1)
    axes.annotate(
        f"all playlists {overall:.3f}", (overall, 1), (0, 3), textcoords="offset points",
        xycoords=("data", "axes fraction"), ha="center", va="bottom", color=ORANGE, fontsize=9,
    )  # fmt: skip
    _draw_rates(axes, rows)
    _label_rows(axes, rows)
    axes.set_xlim(-0.015 * axes.get_xlim()[1], axes.get_xlim()[1])
    axes.set_xlabel(f"hit rate@{k} (share of playlists), with its interval")
    axes.grid(axis="x", alpha=0.3)
    axes.spines[["top", "right", "left"]].set_visible(False)
    return to_png(figure)


def _draw_rates(axes: Axes, rows: Sequence[str | SliceRate]) -> None:
    for place, row in enumerate(rows):
        if isinstance(row, SliceRate):
            axes.plot([row.low, row.high], [place, place], color=BLUE, linewidth=2, marker="|", markersize=7)
            axes.plot(row.hit_rate, place, "o", color=BLUE, markersize=6)
            figures = f"{row.hit_rate:.3f} ({row.low:.3f} to {row.high:.3f})"
            axes.text(1.02, place, figures, transform=axes.get_yaxis_transform(), va="center", fontsize=9)


def _label_rows(axes: Axes, rows: Sequence[str | SliceRate]) -> None:
    labels = [
        drawable(row, LONGEST_NAME)
        if isinstance(row, str)
        else f"{drawable(row.value, LONGEST_NAME)} ({row.playlists:,} playlist{'s' * (row.playlists != 1)})"
        for row in rows
    ]
    axes.set_yticks(range(len(rows)), labels, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    for row, label in zip(rows, axes.get_yticklabels(), strict=True):
        label.set_fontweight("bold" if isinstance(row, str) else "normal")


def plot_promotion_history(history: Sequence[Mapping[str, Any]]) -> bytes:
    """The hit rates of the last 52 candidates, refused ones crossed, above their rows and vocabulary, as PNG.

    ``history``: at least one entry with ``at``, ``promote``, ``hit_rate``, ``rows`` and ``vocabulary``, the latest
    last.
    """
    shown = list(history)[-SHOWN:]
    refused = sum(not entry["promote"] for entry in shown)
    figure, axes = new_axes(5.6, 4.2, f"{len(shown)} candidates, {refused} refused")
    figure.delaxes(axes)
    above, below = figure.subplots(2, 1, sharex=True)
    places = np.arange(len(shown))
    rates = np.array([entry["hit_rate"] for entry in shown], float)
    is_promoted = np.array([bool(entry["promote"]) for entry in shown])
    above.plot(places, rates, "-", color=GREY, linewidth=1)
    above.plot(places[is_promoted], rates[is_promoted], "o", color=BLUE, label="promoted")
    above.plot(places[~is_promoted], rates[~is_promoted], "X", color=ORANGE, markersize=9, label="refused")
    above.set(ylabel="validation hit rate@k")
    above.set_ylim(0, max(1.1 * rates.max(), 0.01))
    for name, colour, marker in (("rows", GREEN, "s"), ("vocabulary", BLUE, "^")):
        below.plot(places, [entry[name] for entry in shown], f"{marker}-", color=colour, label=name)
    counts = [max(1, entry[name]) for entry in shown for name in ("rows", "vocabulary")]
    below.set_yscale("log")
    below.set_ylim(min(counts) / 1.5, max(counts) * 1.5)
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    # Whole numbers, because `to_png` draws the default's powers as their source.
    below.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if max(counts) < _WIDE * min(counts) else (1,)))
    below.yaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    below.yaxis.set_minor_formatter(NullFormatter())
    below.set(ylabel="count (logarithmic)")
    step = -(-len(shown) // _DATES)
    below.set_xticks(places[::step], [str(entry["at"])[:10] for entry in shown][::step])
    for part in (above, below):
        part.grid(alpha=0.3)
        part.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, borderaxespad=0.2)
    return to_png(figure)
