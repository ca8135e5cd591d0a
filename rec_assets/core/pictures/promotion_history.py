"""Hit rate, rows and vocabulary of the candidates over time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from rec_assets.core.pictures.drawing import BLUE, GREEN, GREY, ORANGE, new_axes, to_png

SHOWN = 52
_DATES = 5  # that fit beside each other
_WIDE = 200  # times the lowest count: from there on, powers of ten are ticks enough


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
