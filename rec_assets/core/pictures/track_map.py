"""The picture of a model: its most frequent tracks on a plane, those of a few artists marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from rec_assets.core.base.relations import Relation
from rec_assets.core.pictures.drawing import GREY, MARKERS, PALE_GREY, PALETTE, drawable, new_axes, to_png
from rec_assets.core.playlists.catalog import artist_and_track
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.core.vectors.projection import artist_groups, project_tracks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LONGEST_NAME = 26
LEFT_TO_RIGHT = "\u200e"  # a mark without width
ISOLATE, END_ISOLATE = "\u2068", "\u2069"  # between them a name has its own direction


def draw_track_map(
    embeddings: TrackEmbeddings, track_catalog: Relation | None, *, method: str = "pca"
) -> tuple[bytes, str]:
    """PNG of the most frequent tracks, coloured by the artists who have most of them, and its caption.

    Without a ``track_catalog`` no artist is known. ``method`` and errors: see
    :func:`~rec_assets.core.vectors.projection.project_tracks`.
    """
    projection = project_tracks(embeddings, method=method)
    shown = embeddings.track_index[: len(projection.points)].tolist()
    known = artist_and_track(track_catalog, shown) if track_catalog is not None else []
    groups, names = artist_groups([artist for artist, _ in known] or [None] * len(shown))
    title = f"The {len(shown):,} most frequent tracks, by their input vectors"
    picture = plot_track_map(projection.points, groups, names, axis_labels=projection.axis_labels, title=title)
    legend = f"Artists with most of them: {in_words(names)}." if names else "No artist of them is known."
    return picture, f"{title} ({', '.join(projection.axis_labels)}). {legend}"


def in_words(names: Sequence[str]) -> str:
    """The numbers in the picture's legend with their full names, such as "1 Nina Simone, 2 宇多田ヒカル".

    For the caption and the alternative text: a page can show letters that the picture cannot. Each name is isolated,
    so that one written from right to left does not reorder its neighbours.
    """
    return ", ".join(f"{number} {ISOLATE}{name}{END_ISOLATE}" for number, name in enumerate(names, start=1))


def plot_track_map(
    points: np.ndarray, groups: np.ndarray, names: Sequence[str], *, axis_labels: tuple[str, str], title: str
) -> bytes:
    """Tracks on a plane, each group in a colour and a shape of its own, as PNG.

    ``points`` (n, 2) are the places of some thousand tracks at most, for the size of the file, on axes of
    ``axis_labels``; ``groups`` (n,) int are places in the at most seven ``names``, -1 = no group, drawn grey. The
    groups are numbered in the legend and, at the median of their points, in the picture.
    """
    figure, axes = new_axes(7.2, 5.8, title)
    # Points without a group are as good as texture: small, flat and square ones keep the file small.
    others = points[groups == -1]
    label = f"other artists ({len(others):,})" if names else f"tracks ({len(others):,})"
    axes.scatter(*others.T, s=5, c=PALE_GREY, marker="s", linewidths=0, label=label)
    for number, name in enumerate(names):
        _draw_group(axes, points[groups == number], number, name)
    axes.set(xlabel=axis_labels[0], ylabel=axis_labels[1], xticks=[], yticks=[])
    _set_equal_scales(axes, points)
    axes.spines[:].set_color(GREY)
    figure.legend(loc="outside lower left", ncols=2, frameon=False, alignment="left", fontsize=9)
    return to_png(figure)


def _draw_group(axes: Axes, points: np.ndarray, number: int, name: str) -> None:
    # The marks keep number, name and count in this order also where the name is written from right to left.
    label = f"{LEFT_TO_RIGHT}{number + 1} {drawable(name, LONGEST_NAME)}{LEFT_TO_RIGHT} ({len(points):,})"
    colour, marker = PALETTE[number], MARKERS[number]
    # The dark edge keeps the light colours apart from the grey of the others, in print as well.
    axes.scatter(*points.T, s=32, c=colour, marker=marker, edgecolors="#222222", linewidths=0.5, label=label, zorder=2)
    x, y = np.median(points, axis=0)
    text = axes.text(x, y, str(number + 1), ha="center", va="center", weight="bold", zorder=3)
    text.set_bbox({"boxstyle": "circle,pad=0.2", "facecolor": "white", "edgecolor": colour})


def _set_equal_scales(axes: Axes, points: np.ndarray) -> None:
    """A square with all points, in which a distance is as long upwards as sideways."""
    low, high = points.min(axis=0), points.max(axis=0)
    half = 0.53 * float((high - low).max()) or 1.0
    x, y = (low + high) / 2
    axes.set(xlim=(x - half, x + half), ylim=(y - half, y + half))
    axes.set_box_aspect(1)
    axes.set_anchor("W")  # or the legend would be pushed out of the picture
