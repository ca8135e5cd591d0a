"""Hit rate by kind of playlist, with intervals."""

from collections.abc import Sequence
from itertools import groupby

from matplotlib.axes import Axes

from rec_assets.core.evaluation.slices import SliceRate
from rec_assets.core.pictures.style import BLUE, ORANGE, new_axes, to_png
from rec_assets.core.pictures.texts import drawable

LONGEST_VALUE = 28
ROW_HEIGHT = 0.27  # inches


def plot_slice_rates(slices: Sequence[SliceRate], *, k: int, title: str, overall: float) -> bytes:
    """Hit rate@``k`` of each slice with its interval, a row each, as PNG; slices of one kind under a heading.

    Args:
        slices: those of one kind in a row, in the order to draw; at least one.
        k: at which the rates were measured.
        title: stands above the picture.
        overall: hit rate (0..1) of all playlists, a line from top to bottom.

    Raises:
        ValueError: there are no slices.
    """
    if not slices:
        raise ValueError("found no slices to draw; expected at least one")
    rows = _rows(slices)
    figure, axes = new_axes(8.6, 1.1 + ROW_HEIGHT * len(rows), title)
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


def _rows(slices: Sequence[SliceRate]) -> list[str | SliceRate]:
    """From top to bottom, a heading (text) before the slices of each kind."""
    rows: list[str | SliceRate] = []
    for kind, members in groupby(slices, key=lambda rate: rate.slice):
        rows += [kind, *members]
    return rows


def _draw_rates(axes: Axes, rows: Sequence[str | SliceRate]) -> None:
    for place, row in enumerate(rows):
        if isinstance(row, SliceRate):
            axes.plot([row.low, row.high], [place, place], color=BLUE, linewidth=2, marker="|", markersize=7)
            axes.plot(row.hit_rate, place, "o", color=BLUE, markersize=6)
            figures = f"{row.hit_rate:.3f} ({row.low:.3f} to {row.high:.3f})"
            axes.text(1.02, place, figures, transform=axes.get_yaxis_transform(), va="center", fontsize=9)


def _label_rows(axes: Axes, rows: Sequence[str | SliceRate]) -> None:
    labels = [
        drawable(row, LONGEST_VALUE)
        if isinstance(row, str)
        else f"{drawable(row.value, LONGEST_VALUE)} ({row.playlists:,} playlist{'s' * (row.playlists != 1)})"
        for row in rows
    ]
    axes.set_yticks(range(len(rows)), labels, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    for row, label in zip(rows, axes.get_yticklabels(), strict=True):
        label.set_fontweight("bold" if isinstance(row, str) else "normal")
