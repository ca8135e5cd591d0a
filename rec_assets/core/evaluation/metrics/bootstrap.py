"""How sure a mean over playlists is: percentile bootstrap.

Efron & Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13. Playlists are drawn with replacement,
as many as there are; the interval holds the middle ``level`` of the means of the resamples. It answers for the
choice of playlists alone: not for the seed of training, nor for playlists of another kind.

Known limit: it needs some ten hits. Where all values are equal (no hits at all, say), every resample is the same
and the interval has no width, wherever the truth lies. At a true hit rate of 0.19 intervals at 95 % hold it in
89 % of cases for 20 playlists, 92 % for 50, 95 % from 200 on; at 0.02 in 33 %, 64 %, 91 % and, from 500 on, 95 %.
"""

from dataclasses import dataclass

import numpy as np

from rec_assets.core.evaluation.metrics.hit_rate import hit_rate
from rec_assets.core.evaluation.metrics.resampling import resampled_means

LEVEL, RESAMPLES, SEED = 0.95, 2_000, 0


@dataclass(frozen=True)
class Interval:
    """From ``low`` to ``high``, both included; made to hold the truth in a share ``level`` (0..1) of all cases."""

    low: float
    high: float
    level: float


def bootstrap_interval(
    values: np.ndarray, *, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = SEED
) -> Interval:
    """Interval of the mean of ``values``; the same whatever their order.

    Args:
        values: (n,) one number per playlist: hits, reciprocal ranks, gains. One alone gives an interval without width.
        level: share (between 0 and 1) of the resampled means within the interval.
        resamples: how many resamples, at least 1; a thousand or more for a ``level`` of 0.95.
        seed: at least 0; the same seed gives the same interval.

    Raises:
        ValueError: there are no values, one is not finite, or ``level`` or ``resamples`` is out of its bounds.
    """
    draw = _generator(level, resamples, seed)
    return _middle(resampled_means(values, resamples=resamples, draw=draw), level)


def hit_rate_interval(
    ranks: np.ndarray, *, k: int, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = SEED
) -> Interval:
    """Interval of :func:`hit_rate` at ``k``; arguments and errors of both functions."""
    draw, rate = _generator(level, resamples, seed), hit_rate(ranks, k=k)
    # A resample draws n playlists, each a hit with the chance `rate`: its hits are exactly Binomial(n, rate).
    # Drawing that number costs O(resamples), drawing the playlists O(n * resamples).
    return _middle(draw.binomial(len(ranks), rate, size=resamples) / len(ranks), level)


def difference_interval(
    first: np.ndarray, second: np.ndarray, *, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = SEED
) -> Interval:
    """Interval of mean(first) - mean(second) of two independent samples, such as validation and test.

    Args:
        first: (n,) one number per playlist.
        second: (m,) the same of other playlists; for the same playlists see :func:`paired_difference_interval`.
        level: as in :func:`bootstrap_interval`, as are the next two and the errors.
        resamples: of each sample, drawn independently.
        seed: of both.
    """
    draw = _generator(level, resamples, seed)
    first_means = resampled_means(first, resamples=resamples, draw=draw)
    return _middle(first_means - resampled_means(second, resamples=resamples, draw=draw), level)


def paired_difference_interval(
    first: np.ndarray, second: np.ndarray, *, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = SEED
) -> Interval:
    """Interval of mean(first) - mean(second) on the same playlists, such as of two strategies.

    Both are resampled together, which is narrower than :func:`difference_interval` as far as the two agree.

    Args:
        first: (n,) one number per playlist.
        second: (n,) the same playlists in the same order.
        level: as in :func:`bootstrap_interval`, as are the next two.
        resamples: how many.
        seed: of the resamples.

    Raises:
        ValueError: the lengths differ; otherwise as :func:`bootstrap_interval` does.
    """
    if len(first) != len(second):
        raise ValueError(f"pairs of {len(first)} and {len(second)} playlists; expected the same playlists")
    differences = np.asarray(first, np.float64) - np.asarray(second, np.float64)
    return bootstrap_interval(differences, level=level, resamples=resamples, seed=seed)


def _generator(level: float, resamples: int, seed: int) -> np.random.Generator:
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; expected a share between 0 and 1, such as {LEVEL}")
    if resamples < 1:
        raise ValueError(f"resamples is {resamples}; expected at least 1")
    return np.random.default_rng(seed)


def _middle(means: np.ndarray, level: float) -> Interval:
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(low=float(low), high=float(high), level=level)
