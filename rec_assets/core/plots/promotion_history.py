"""Hit rate, rows and vocabulary of the candidates over time."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rec_assets.core.plots.style import BLUE, GREEN, GREY, ORANGE, new_axes, to_png

SHOWN = 52


def plot_promotion_history(history: Sequence[Mapping[str, Any]]) -> bytes:
    """The hit rates of the last 52 candidates, refused ones crossed, above their rows and vocabulary, as PNG.

    Args:
        history: entries with ``at``, ``promote``, ``hit_rate``, ``rows``, ``vocabulary``, the latest last.

    Raises:
        ValueError: there is no entry.
    """
    shown = list(history)[-SHOWN:]
    if not shown:
        raise ValueError("found no decision to draw; expected at least one")
    refused = sum(not entry["promote"] for entry in shown)
    title = f"{len(shown)} candidates, {refused} refused"
    figure, axes = new_axes(5.6, 4.2, title)
    figure.delaxes(axes)
    above, below = figure.subplots(2, 1, sharex=True)
    places = np.arange(len(shown))
    rates = np.array([entry["hit_rate"] for entry in shown], float)
    is_promoted = np.array([bool(entry["promote"]) for entry in shown])
    above.plot(places, rates, "-", color=GREY, linewidth=1)
    above.plot(places[is_promoted], rates[is_promoted], "o", color=BLUE, label="promoted")
    above.plot(places[~is_promoted], rates[~is_promoted], "X", color=ORANGE, markersize=9, label="refused")
    above.set(ylabel="validation hit rate@k")
    above.set_ylim(bottom=0)
    for name, colour, marker in (("rows", GREEN, "s"), ("vocabulary", BLUE, "^")):
        below.plot(places, [entry[name] for entry in shown], f"{marker}-", color=colour, label=name)
    below.set_yscale("log")
    below.set(ylabel="count (logarithmic)")
    step = max(1, len(shown) // 6)
    below.set_xticks(places[::step], [str(entry["at"])[:10] for entry in shown][::step])
    for part in (above, below):
        part.grid(alpha=0.3)
        part.legend(loc="best", frameon=False)
    return to_png(figure)
