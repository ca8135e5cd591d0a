"""How sure a mean over playlists is: percentile bootstrap.

Efron & Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13. Playlists are drawn with replacement,
as many as there are; the interval holds the middle ``level`` of the means of the resamples. It answers for the
choice of playlists alone: not for the seed of training, nor for playlists of another kind.

Known limit: it needs some ten hits. Where all values are equal (no hits at all, say), every resample is the same
and the interval has no width, wherever the truth is. At a true hit rate of 0.19 intervals at 95 % contain it in
89 % of cases for 20 playlists, 92 % for 50, 95 % from 200 on; at 0.02 in 33 %, 64 %, 91 % and, from 500 on, 95 %.

An interval is the same for the same values in any order. Of no values it is undefined: ValueError.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rec_assets.core.evaluation.metrics import hit_rate

LEVEL, RESAMPLES, SEED = 0.95, 2_000, 0
CHUNK_CELLS = 1_000_000  # drawn at once: 8 MB


@dataclass(frozen=True)
class Interval:
    """From ``low`` to ``high``, both included; made to contain the truth in a share ``level`` (0..1) of all cases."""

    low: float
    high: float
    level: float


def bootstrap_interval(values: np.ndarray, *, level: float = LEVEL, resamples: int = RESAMPLES) -> Interval:
    """Interval of the mean of ``values`` (n,), finite numbers, one per playlist.

    A ``level`` nearer to 1 needs more ``resamples``: a thousand or more for 0.95.
    """
    return _middle(resampled_means(values, resamples, np.random.default_rng(SEED)), level)


def hit_rate_interval(ranks: np.ndarray, *, k: int) -> Interval:
    """Interval of :func:`hit_rate` at ``k``; raises as it does, too."""
    rate = hit_rate(ranks, k=k)
    # A resample draws n playlists, each a hit with the chance `rate`: its hits are exactly Binomial(n, rate).
    # Drawing that number costs O(resamples), drawing the playlists O(n * resamples).
    drawn = np.random.default_rng(SEED).binomial(len(ranks), rate, size=RESAMPLES)
    return _middle(drawn / len(ranks), LEVEL)


def difference_interval(first: np.ndarray, second: np.ndarray) -> Interval:
    """Interval of mean(first) - mean(second) of independent samples (n,) and (m,), such as validation and test."""
    draw = np.random.default_rng(SEED)
    first_means = resampled_means(first, RESAMPLES, draw)
    return _middle(first_means - resampled_means(second, RESAMPLES, draw), LEVEL)


def paired_difference_interval(
    first: np.ndarray, second: np.ndarray, *, level: float = LEVEL, resamples: int = RESAMPLES
) -> Interval:
    """Interval of mean(first) - mean(second) on the same n playlists in the same order, such as of two strategies.

    Both are resampled together, which is narrower than :func:`difference_interval` as far as the two agree.
    """
    differences = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return bootstrap_interval(differences, level=level, resamples=resamples)


def resampled_means(values: np.ndarray, resamples: int, draw: np.random.Generator) -> np.ndarray:
    """Means of ``resamples`` samples of n out of ``values`` (n,), with replacement: (resamples,) float64.

    Exactly distributed, in bounded memory; the draws do not depend on the order of the values. Few of these differ:
    hits, or differences of hits.
    """
    if len(values) == 0:
        raise ValueError("an interval over no playlists is undefined")
    distinct, counts = np.unique(np.asarray(values, np.float64), return_counts=True)
    means = np.concatenate(list(_drawn_means(distinct, counts, resamples, draw)))
    # A mean of equal values may be off by a rounding.
    return np.clip(means, distinct[0], distinct[-1])


def _drawn_means(
    distinct: np.ndarray, counts: np.ndarray, resamples: int, draw: np.random.Generator
) -> Iterator[np.ndarray]:
    # How often each distinct value is drawn is multinomial: one draw per value instead of one per playlist.
    total = counts.sum()
    for size in _chunks(resamples, len(distinct)):
        yield draw.multinomial(total, counts / total, size=size) @ distinct / total


def _chunks(resamples: int, width: int) -> Iterator[int]:
    rows = max(1, CHUNK_CELLS // width)
    for start in range(0, resamples, rows):
        yield min(rows, resamples - start)


def _middle(means: np.ndarray, level: float) -> Interval:
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(low=float(low), high=float(high), level=level)
