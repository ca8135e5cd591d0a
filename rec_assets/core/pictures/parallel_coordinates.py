"""Trials of a search: an axis per setting, a line per trial, coloured by hit rate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rec_assets.core.pictures.drawing import BLACK, GREY, ORANGE, WIDEST, drawable, new_axes, to_png

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST_NAME, LONGEST_VALUE = 20, 12
AXIS_WIDTH = 1.45  # inches
MOST_DRAWN = 25  # more are a carpet, and no small file
_SHADES = 8
_FEW = 90  # axes of lines that may be smooth: that takes three times the bytes
_TICKS = 5
_BESIDE = 5  # so many names have room beside each other; more are put on two lines in turn
_MOST_NAMED = 12  # choices beside an axis, at which they still have room


@dataclass(frozen=True)
class Coordinate:
    """A setting and its ``values`` (t,) by trial.

    ``choices`` are all that it may be, bottom first, as many places on the axis; None = an axis of numbers, which is
    logarithmic if ``log``; then all are above 0.
    """

    name: str
    values: Sequence[bool | int | float | str]
    choices: Sequence[bool | int | float | str] | None = None
    log: bool = False


def plot_parallel_coordinates(
    coordinates: Sequence[Coordinate], hit_rates: np.ndarray, *, k: int, title: str, best: int
) -> bytes:
    """A line per trial from setting to setting and to its hit rate@``k``, as PNG; the ``best`` one thick and orange.

    ``coordinates`` are axes from left to right; ``hit_rates`` (t,), t above 0, also colour the lines: the darker the
    lower. Of many trials the ``MOST_DRAWN`` best are drawn, on axes that reach over all.
    """
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    shown = [*coordinates, Coordinate(f"hit rate@{k}", hit_rates.tolist())]
    figure, axes = new_axes(min(WIDEST, 1.6 + AXIS_WIDTH * len(shown)), 4.4, title)
    heights = np.column_stack([_draw_axis(axes, place, shown) for place in range(len(shown))])
    shades = _share(hit_rates.astype(float))
    colours = ListedColormap(colormaps["viridis"](np.linspace(0, 0.85, _SHADES)))  # its yellow is lost on white
    drawn = np.argsort(hit_rates, kind="stable")[-MOST_DRAWN:]
    for trial in drawn[drawn != best]:
        is_smooth = len(drawn) * len(shown) <= _FEW
        axes.plot(heights[trial], color=colours(shades[trial]), linewidth=1.3, zorder=2, antialiased=is_smooth)
    axes.plot(heights[best], color=ORANGE, linewidth=3.2, marker="o", markersize=7, zorder=4)
    axes.set_xlim(-0.55, len(shown) - 0.4)
    axes.set_ylim(-0.06, 1.2)
    axes.set_axis_off()
    return to_png(figure)


def _draw_axis(axes: Axes, place: int, shown: Sequence[Coordinate]) -> np.ndarray:
    """Draws the axis at ``place`` with its name and ticks; returns the height (t,) of each trial on it."""
    axis = shown[place]
    # Lines end at the last axis, so its texts are right of it. Elsewhere they pass behind the texts.
    side, aligned = (1, "left") if place == len(shown) - 1 else (-1, "right")
    if axis.choices is not None:
        heights, ticks = _by_choice(axis.values, axis.choices)
    else:
        heights, ticks = _by_number(np.array(axis.values, float), log=axis.log)
    axes.plot([place, place], [0, 1], color=GREY, linewidth=1, zorder=1)
    above = 1.14 if len(shown) > _BESIDE and place % 2 else 1.07
    axes.text(place, above, drawable(axis.name, LONGEST_NAME), ha="center", fontsize=9, fontweight="bold")
    for height, label in ticks:
        axes.plot([place + side * 0.025, place], [height, height], color=GREY, linewidth=1, zorder=1)
        axes.text(
            place + side * 0.05, height, drawable(label, LONGEST_VALUE), ha=aligned, va="center", fontsize=8,
            color=BLACK, zorder=5, bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
    return heights


def _by_choice(values: Sequence[object], choices: Sequence[object]) -> tuple[np.ndarray, list[tuple[float, str]]]:
    at = np.linspace(0, 1, len(choices)) if len(choices) > 1 else np.array([0.5])
    heights = np.array([at[choices.index(value)] for value in values])
    named = range(0, len(choices), -(-len(choices) // _MOST_NAMED))
    return heights, [(float(at[place]), str(choices[place])) for place in named]


def _by_number(values: np.ndarray, *, log: bool) -> tuple[np.ndarray, list[tuple[float, str]]]:
    scaled = np.log(values) if log else values
    if scaled.min() == scaled.max():
        return np.full(len(values), 0.5), [(0.5, f"{values[0]:.3g}")]
    at = np.linspace(scaled.min(), scaled.max(), _TICKS)
    ticks = zip(_share(at).tolist(), (np.exp(at) if log else at).tolist(), strict=True)
    return _share(scaled), [(height, f"{value:.3g}") for height, value in ticks]


def _share(values: np.ndarray) -> np.ndarray:
    """``values`` from 0 to 1; 0.5 if they are all the same."""
    width = values.max() - values.min()
    return (values - values.min()) / width if width > 0 else np.full(len(values), 0.5)
