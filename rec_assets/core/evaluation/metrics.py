"""Metrics over the ranks of held-out targets, and over what is recommended.

``ranks`` is (n,), one target per playlist: 1 = best, 0 = not found, which is a miss. ``k`` is how many tracks are
recommended. ``recommended`` is (t,) int: for each track the number of playlists to which it is recommended.
``popularity`` is (t,) int: how often each track occurs in training.

Raises:
    ValueError: ``ranks`` is empty, ``k`` is below 1, or nothing is recommended: a rate of nothing is not 0.
"""

import math

import numpy as np

CURVE_KS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000)


def hits(ranks: np.ndarray, *, k: int) -> np.ndarray:
    """Which targets are ranked among the first ``k``: (n,) bool."""
    if k < 1:
        raise ValueError(f"k is {k}; expected at least 1")
    return (ranks >= 1) & (ranks <= k)


def hit_rate(ranks: np.ndarray, *, k: int) -> float:
    """Share (0..1) of targets that are ranked among the first ``k``."""
    return _mean(hits(ranks, k=k), "hit rate")


def hit_rates(ranks: np.ndarray, *, k: int) -> dict[int, float]:
    """Hit rate at the round values up to ``k``, and at ``k``; by k, rising."""
    ks = sorted({value for value in CURVE_KS if value < k} | {k})
    return {value: hit_rate(ranks, k=value) for value in ks}


def mean_reciprocal_rank(ranks: np.ndarray, *, k: int) -> float:
    """MRR@k (0..1): the mean of 1 / rank, where a target beyond ``k`` counts 0.

    Voorhees, "The TREC-8 question answering track report" (1999), with her 5 as ``k``.
    """
    return _mean(np.where(hits(ranks, k=k), 1 / np.maximum(ranks, 1), 0.0), "mean reciprocal rank")


def ndcg(ranks: np.ndarray, *, k: int) -> float:
    """NDCG@k (0..1): the mean of 1 / log2(1 + rank), where a target beyond ``k`` counts 0.

    Järvelin & Kekäläinen, "Cumulated gain-based evaluation of IR techniques" (2002), with the discount that is usual
    today. The target is the only relevant track, with gain 1, so the ideal to divide by is 1.
    """
    return _mean(np.where(hits(ranks, k=k), 1 / np.log2(1.0 + np.maximum(ranks, 1)), 0.0), "NDCG")


def catalog_coverage(recommended: np.ndarray) -> float:
    """Share (0..1) of the tracks that are recommended to anybody.

    Ge, Delgado-Battenfeld & Jannach, "Beyond accuracy: evaluating recommender systems by coverage and
    serendipity" (2010). It grows with k and with the number of playlists: compare it at the same ones only.
    """
    return float(np.count_nonzero(recommended) / len(recommended))


def greatest_share(recommended: np.ndarray, *, playlists: int) -> float:
    """Share (0..1) of the ``playlists`` to which the most recommended track is recommended."""
    return int(recommended.max()) / playlists


def median_popularity(recommended: np.ndarray, popularity: np.ndarray) -> int:
    """Median popularity over all recommendations; of an even number, the lower of the middle two."""
    _require_any(recommended)
    rising = np.argsort(popularity)
    up_to = np.cumsum(recommended[rising])
    return int(popularity[rising[np.searchsorted(2 * up_to, up_to[-1])]])


def tail_share(recommended: np.ndarray, popularity: np.ndarray) -> float:
    """Share (0..1) of all recommendations that go to tracks outside the most popular fifth.

    With as many answers for every playlist this is the "average percentage of long tail items" of Abdollahpouri,
    Burke & Mobasher, "Managing popularity bias in recommender systems with personalized re-ranking" (2019). The
    fifth is rounded up; of equally popular tracks, those that stand first belong to it.
    """
    _require_any(recommended)
    head = np.argsort(-popularity, kind="stable")[: math.ceil(len(popularity) / 5)]
    total = int(recommended.sum())
    return (total - int(recommended[head].sum())) / total


def _mean(values: np.ndarray, metric: str) -> float:
    """The mean of ``values`` (n,), the same to the last bit whatever their order."""
    if len(values) == 0:
        raise ValueError(f"the {metric} of no playlists is undefined")
    return math.fsum(values.tolist()) / len(values)


def _require_any(recommended: np.ndarray) -> None:
    if not recommended.any():
        raise ValueError(f"nothing is recommended: the counts of all {len(recommended)} tracks are 0")
