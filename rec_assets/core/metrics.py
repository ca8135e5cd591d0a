"""Metrics over the ranks of held-out targets."""

import numpy as np

CURVE_KS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


def hit_rate(ranks: np.ndarray, *, k: int) -> float:
    """Share (0..1) of held-out targets that are ranked among the first ``k``.

    Args:
        ranks: (n,) 1 = best; 0 = not found, which is a miss.
        k: how many tracks are recommended, at least 1.

    Raises:
        ValueError: ``ranks`` is empty, since a rate of nothing is not 0; or ``k`` is below 1.
    """
    if len(ranks) == 0:
        raise ValueError("the hit rate of no playlists is undefined")
    if k < 1:
        raise ValueError(f"k is {k}; expected at least 1")
    return float(np.mean((ranks >= 1) & (ranks <= k)))


def hit_rates(ranks: np.ndarray, *, k: int) -> dict[int, float]:
    """Hit rate at the round values up to ``k``, and at ``k``; by k, rising. Raises as :func:`hit_rate` does."""
    ks = sorted({value for value in CURVE_KS if value < k} | {k})
    return {value: hit_rate(ranks, k=value) for value in ks}
