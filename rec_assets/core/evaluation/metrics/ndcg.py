"""Normalised discounted cumulative gain of one relevant track per playlist."""

import numpy as np

from rec_assets.core.evaluation.metrics.averages import mean_over_playlists
from rec_assets.core.evaluation.metrics.hit_rate import hits


def discounted_gains(ranks: np.ndarray, *, k: int) -> np.ndarray:
    """1 / log2(1 + rank) of each target among the first ``k``, 0 for a miss: (n,) float64. See :func:`ndcg`."""
    return np.where(hits(ranks, k=k), 1 / np.log2(1.0 + np.maximum(ranks, 1)), 0.0)


def ndcg(ranks: np.ndarray, *, k: int) -> float:
    """NDCG@k (0..1): the mean of 1 / log2(1 + rank), where a target beyond ``k`` counts 0.

    Järvelin & Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (2002), with the discount
    1 / log2(1 + rank) that is usual today. The held-out track is the only relevant one, with gain 1: the best
    order puts it first, so that the ideal to divide by is 1.

    Args:
        ranks: (n,) 1 = best; 0 = not found, which is a miss.
        k: how many tracks are recommended, at least 1.

    Raises:
        ValueError: ``ranks`` is empty, or ``k`` is below 1.
    """
    return mean_over_playlists(discounted_gains(ranks, k=k), metric="NDCG")
