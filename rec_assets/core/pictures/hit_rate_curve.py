"""Hit rate against k of the model and of popularity."""

import numpy as np

from rec_assets.core.pictures.style import BLUE, ORANGE, hit_rate_at_each_k, new_axes, to_png


def plot_hit_rate_curve(
    ranks: np.ndarray, popularity_ranks: np.ndarray, *, k: int, title: str, label: str = "model"
) -> bytes:
    """Hit rate against k, from 1 to ``k``, of a model and of popularity, as PNG.

    Args:
        ranks: (n,) ranks of the targets, 0 = not found; n above 0.
        popularity_ranks: (n,) the same by popularity.
        k: the right end of the axis.
        title: stands above the picture.
        label: what the ranks are of.

    Raises:
        ValueError: there are no ranks.
    """
    figure, axes = new_axes(5.6, 3.4, title)
    ks = np.arange(1, k + 1)
    for values, name, colour, style in (
        (ranks, label, BLUE, "-"),
        (popularity_ranks, "popularity", ORANGE, "--"),
    ):
        curve = hit_rate_at_each_k(values, k)
        # The dot marks the figure in the legend; with k=1 it is all there is to see.
        axes.plot(ks, curve, f"o{style}", markevery=[-1], color=colour, label=f"{name} ({curve[-1]:.3f} at {k})")
    axes.set(xlabel="k (tracks recommended)", ylabel="hit rate@k (share of playlists)")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(loc="best", frameon=False)
    return to_png(figure)
