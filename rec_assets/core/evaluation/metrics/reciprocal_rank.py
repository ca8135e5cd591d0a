"""Mean reciprocal rank: how far up the target stands, with all weight on the first places."""

import numpy as np

from rec_assets.core.evaluation.metrics.averages import mean_over_playlists
from rec_assets.core.evaluation.metrics.hit_rate import hits


def reciprocal_ranks(ranks: np.ndarray, *, k: int) -> np.ndarray:
    """1 / rank of each target among the first ``k``, 0 for a miss: (n,) float64. See :func:`mean_reciprocal_rank`."""
    return np.where(hits(ranks, k=k), 1 / np.maximum(ranks, 1), 0.0)


def mean_reciprocal_rank(ranks: np.ndarray, *, k: int) -> float:
    """MRR@k (0..1): the mean of 1 / rank, where a target beyond ``k`` counts 0.

    Voorhees, "The TREC-8 question answering track report" (1999), with her 5 as ``k``.

    Args:
        ranks: (n,) 1 = best; 0 = not found, which is a miss.
        k: how many tracks are recommended, at least 1.

    Raises:
        ValueError: ``ranks`` is empty, or ``k`` is below 1.
    """
    return mean_over_playlists(reciprocal_ranks(ranks, k=k), metric="mean reciprocal rank")
