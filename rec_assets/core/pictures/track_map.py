"""Tracks as points on a plane, those of a few artists marked."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes

from rec_assets.core.pictures.style import GREY, MARKERS, PALE_GREY, PALETTE, new_axes, to_png
from rec_assets.core.pictures.texts import numbered

LONGEST_NAME = 26


def plot_track_map(
    points: np.ndarray, groups: np.ndarray, names: Sequence[str], *, axis_labels: tuple[str, str], title: str
) -> bytes:
    """Tracks on a plane, each group in a colour and a shape of its own, as PNG.

    The groups are numbered in the legend and, at the median of their points, in the picture. Full names, in all
    scripts, come from :func:`~rec_assets.core.pictures.texts.in_words` for the caption.

    Args:
        points: (n, 2) where each track stands; some thousands at most, for the size of the file.
        groups: (n,) int, the place of the track's group in ``names``, -1 = no group, drawn grey.
        names: of the groups, at most seven.
        axis_labels: of the first and second column of ``points``.
        title: stands above the picture.

    Raises:
        ValueError: there are more groups than colours, or a number in ``groups`` has no name.
    """
    if len(names) > len(PALETTE) or np.max(groups, initial=-1) >= len(names):
        raise ValueError(
            f"{len(names)} names for groups up to number {np.max(groups, initial=-1)}; "
            f"expected at most {len(PALETTE)} names, and one for each group"
        )
    figure, axes = new_axes(9.0, 5.4, title)
    # Points without a group are as good as texture: small, flat and square ones keep the file small.
    others = points[groups == -1]
    axes.scatter(*others.T, s=5, c=PALE_GREY, marker="s", linewidths=0, label=f"other artists ({len(others):,})")
    for number, name in enumerate(names):
        _draw_group(axes, points[groups == number], number, name)
    _number_groups(axes, points, groups, len(names))
    axes.set(xlabel=axis_labels[0], ylabel=axis_labels[1], xticks=[], yticks=[])
    _set_equal_scales(axes, points)
    axes.spines[:].set_color(GREY)
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, labelspacing=0.8, alignment="left")
    return to_png(figure)


def _draw_group(axes: Axes, points: np.ndarray, number: int, name: str) -> None:
    label = numbered(number + 1, name, len(points), LONGEST_NAME)
    colour, marker = PALETTE[number], MARKERS[number]
    # The dark edge keeps the light colours apart from the grey of the others, in print as well.
    axes.scatter(*points.T, s=32, c=colour, marker=marker, edgecolors="#222222", linewidths=0.5, label=label, zorder=2)


def _set_equal_scales(axes: Axes, points: np.ndarray) -> None:
    """A square with all points, in which a distance is as long upwards as sideways."""
    low, high = (points.min(axis=0), points.max(axis=0)) if len(points) else (np.zeros(2), np.zeros(2))
    half = 0.53 * float((high - low).max()) or 1.0
    x, y = (low + high) / 2
    axes.set(xlim=(x - half, x + half), ylim=(y - half, y + half))
    axes.set_box_aspect(1)
    axes.set_anchor("W")  # or the legend would be pushed out of the picture


def _number_groups(axes: Axes, points: np.ndarray, groups: np.ndarray, count: int) -> None:
    for number in range(count):
        members = points[groups == number]
        if len(members):
            x, y = np.median(members, axis=0)
            text = axes.text(x, y, str(number + 1), ha="center", va="center", weight="bold", zorder=3)
            text.set_bbox({"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": PALETTE[number]})
