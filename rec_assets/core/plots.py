"""Small pictures for the metadata of assets: PNG below 50 KB, since the event log keeps several copies."""

import base64
import io

import numpy as np
from matplotlib.figure import Figure

# Okabe & Ito's palette: told apart by all common kinds of colour vision.
BLUE, ORANGE = "#0072B2", "#D55E00"


def plot_hit_rate_curve(ranks: np.ndarray, popularity_ranks: np.ndarray, *, k: int, title: str) -> bytes:
    """Hit rate against k, from 1 to ``k``, of a model and of popularity, as PNG.

    Args:
        ranks: (n,) ranks of the targets, 0 = not found; n above 0.
        popularity_ranks: (n,) the same by popularity.
        k: the right end of the axis.
        title: stands above the picture.
    """
    figure = Figure(figsize=(5.6, 3.4), dpi=90, layout="constrained")
    axes = figure.subplots()
    ks = np.arange(1, k + 1)
    for values, label, colour, style in (
        (ranks, "track embeddings", BLUE, "-"),
        (popularity_ranks, "popularity", ORANGE, "--"),
    ):
        curve = np.bincount(values[(values >= 1) & (values <= k)], minlength=k + 1)[1:].cumsum() / len(values)
        # The dot marks the figure in the legend; with k=1 it is all there is to see.
        axes.plot(ks, curve, f"o{style}", markevery=[-1], color=colour, label=f"{label} ({curve[-1]:.3f} at {k})")
    axes.set(xlabel="k (tracks recommended)", ylabel="hit rate@k (share of playlists)", title=title)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(loc="best", frameon=False)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def as_markdown(png: bytes, alt_text: str) -> str:
    """A picture as markdown that needs no other file."""
    return f"![{alt_text}](data:image/png;base64,{base64.b64encode(png).decode()})"
