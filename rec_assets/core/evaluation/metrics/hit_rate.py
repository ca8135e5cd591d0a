"""Hit rate: how often the target is recommended."""

import numpy as np

from rec_assets.core.evaluation.metrics.averages import mean_over_playlists

CURVE_KS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


def hits(ranks: np.ndarray, *, k: int) -> np.ndarray:
    """Which held-out targets are ranked among the first ``k``: (n,) bool.

    Args:
        ranks: (n,) 1 = best; 0 = not found, which is a miss.
        k: how many tracks are recommended, at least 1.

    Raises:
        ValueError: ``k`` is below 1.
    """
    if k < 1:
        raise ValueError(f"k is {k}; expected at least 1")
    return (ranks >= 1) & (ranks <= k)


def hit_rate(ranks: np.ndarray, *, k: int) -> float:
    """Share (0..1) of held-out targets that are ranked among the first ``k``.

    Args:
        ranks: (n,) 1 = best; 0 = not found, which is a miss.
        k: how many tracks are recommended, at least 1.

    Raises:
        ValueError: ``ranks`` is empty, since a rate of nothing is not 0; or ``k`` is below 1.
    """
    return mean_over_playlists(hits(ranks, k=k), metric="hit rate")


def hit_rates(ranks: np.ndarray, *, k: int) -> dict[int, float]:
    """Hit rate at the round values up to ``k``, and at ``k``; by k, rising. Raises as :func:`hit_rate` does."""
    ks = sorted({value for value in CURVE_KS if value < k} | {k})
    return {value: hit_rate(ranks, k=value) for value in ks}
