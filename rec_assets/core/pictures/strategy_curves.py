"""Hit rate against k of all strategies, the chosen one drawn thick."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from rec_assets.core.pictures.style import MARKERS, PALETTE, STROKES, hit_rate_at_each_k, new_axes, to_png
from rec_assets.core.pictures.texts import drawable

LONGEST_NAME = 28


def plot_strategy_curves(ranks_by_strategy: Mapping[str, np.ndarray], *, k: int, title: str, chosen: str) -> bytes:
    """Hit rate against k, from 1 to ``k``, of each strategy, as PNG.

    The axis of k is logarithmic: between 1 and 10 the strategies differ most. A strategy has its colour, stroke and
    mark by its place in the mapping, and stands in the legend by falling hit rate at ``k``. Up to ten strategies
    are told apart without colour; above that marks repeat.

    Args:
        ranks_by_strategy: by name, (n,) int ranks of the targets, 1 = best, 0 = not found; n above 0.
        k: the right end of the axis, at least 1.
        title: stands above the picture.
        chosen: the name of the strategy to draw thick.

    Raises:
        ValueError: ``chosen`` is no strategy, or a strategy has no ranks.
    """
    if chosen not in ranks_by_strategy:
        raise ValueError(f"chosen={chosen!r} is no strategy; expected one of {', '.join(ranks_by_strategy)}")
    curves = {name: hit_rate_at_each_k(ranks, k) for name, ranks in ranks_by_strategy.items()}
    figure, axes = new_axes(9.4, 4.6, title)
    for place, (name, curve) in enumerate(curves.items()):
        _draw(axes, curve, place, label=name, chosen=name == chosen)
    axes.set(xlabel="k (tracks recommended, logarithmic)", ylabel="hit rate@k (share of playlists)")
    axes.set_xscale("log")
    axes.minorticks_off()
    axes.set_xticks(_round_ks(k), [f"{at:,}" for at in _round_ks(k)])
    axes.set_xlim(0.9, k * 1.1)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    _add_legend(axes, curves, k, chosen)
    return to_png(figure)


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
    """The names beside the right ends of the curves, in their order."""
    order = sorted(curves, key=lambda name: -curves[name][-1])
    lines = dict(zip(curves, axes.get_lines(), strict=True))
    legend = axes.legend(
        [lines[name] for name in order],
        [f"{curves[name][-1]:.3f}  {drawable(name, LONGEST_NAME)}" for name in order],
        title=f"hit rate@{k}",
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        frameon=False,
        handlelength=3.6,
        labelspacing=0.7,
        alignment="left",
    )
    legend.get_texts()[order.index(chosen)].set_fontweight("bold")


def _round_ks(k: int) -> Sequence[int]:
    """1, 2, 5, 10, 20, 50, … up to ``k``, and ``k`` in place of those that stand too near to it."""
    round_ks = [step * 10**power for power in range(len(str(k))) for step in (1, 2, 5)]
    return [at for at in round_ks if at * 1.3 < k] + [k]
