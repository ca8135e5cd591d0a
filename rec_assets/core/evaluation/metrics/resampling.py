"""Means of resamples, exactly distributed and in bounded memory."""

from collections.abc import Iterator

import numpy as np

CHUNK_CELLS = 1_000_000  # drawn at once: 8 MB as integers, and as much again as floats
# What drawing one count of a multinomial costs, in drawings of one index: measured, 170 ns to 3.5 ns.
COUNT_COST = 50


def resampled_means(values: np.ndarray, *, resamples: int, draw: np.random.Generator) -> np.ndarray:
    """Means of ``resamples`` samples of n out of ``values`` (n,), with replacement: (resamples,) float64.

    The draws do not depend on the order of the values.

    Raises:
        ValueError: there are no values, or one is not finite.
    """
    _refuse_unusable(values)
    distinct, counts = np.unique(np.asarray(values, np.float64), return_counts=True)
    drawn_means = _means_by_count if len(distinct) * COUNT_COST <= len(values) else _means_by_index
    means = np.concatenate(list(drawn_means(distinct, counts, resamples, draw)))
    # A mean of equal values may be off by a rounding.
    return np.clip(means, distinct[0], distinct[-1])


def _means_by_count(
    distinct: np.ndarray, counts: np.ndarray, resamples: int, draw: np.random.Generator
) -> Iterator[np.ndarray]:
    # How often each distinct value is drawn is multinomial: one draw per value instead of one per playlist.
    total = counts.sum()
    for size in _chunks(resamples, len(distinct)):
        yield draw.multinomial(total, counts / total, size=size) @ distinct / total


def _means_by_index(
    distinct: np.ndarray, counts: np.ndarray, resamples: int, draw: np.random.Generator
) -> Iterator[np.ndarray]:
    ordered = np.repeat(distinct, counts)
    for size in _chunks(resamples, len(ordered)):
        yield ordered[draw.integers(len(ordered), size=(size, len(ordered)))].mean(axis=1)


def _chunks(resamples: int, width: int) -> Iterator[int]:
    rows = max(1, CHUNK_CELLS // width)
    for start in range(0, resamples, rows):
        yield min(rows, resamples - start)


def _refuse_unusable(values: np.ndarray) -> None:
    if len(values) == 0:
        raise ValueError("an interval over no playlists is undefined")
    unusable = np.flatnonzero(~np.isfinite(values))
    if len(unusable):
        raise ValueError(f"the value at position {unusable[0]} is {values[unusable[0]]}; expected finite numbers")
