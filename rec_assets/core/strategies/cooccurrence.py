"""How often tracks stand near each other in the training playlists, as a sparse matrix built block by block."""

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_matrix, vstack

from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.strategies.sparse import keep_best, scaled
from rec_assets.core.tracks import Tracks

# Occurrences per block; each gives an entry per step of the window before they are added up: some 12 bytes.
_BLOCK = 250_000


def cooccurrence_matrix(
    tracks: Tracks, training: FlatSequences, *, steps: np.ndarray, step_weights: np.ndarray, damping: float, kept: int
) -> csr_matrix:
    """(t, t) float32: how strongly the column's track stands ``steps`` after the row's, itself aside.

    Args:
        tracks: rows and counts.
        training: playlists of rows.
        steps: (s,) distances, negative = before.
        step_weights: (s,) what a meeting at that distance counts.
        damping: the sum of weights is divided by ``(count of row * count of column) ** damping``.
        kept: the highest values of a row that stay; without a bound the matrix grows by the square of a playlist.
    """
    scale = np.maximum(tracks.count, 1).astype(np.float64) ** -damping
    blocks = []
    for first, last, positions in _blocks(tracks, training):
        block = _count_block(training, positions, first, (last - first, len(tracks)), steps, step_weights)
        blocks.append(keep_best(scaled(block, scale[first:last], scale), kept))
    return csr_matrix(vstack(blocks))


def _blocks(tracks: Tracks, training: FlatSequences) -> Iterator[tuple[int, int, np.ndarray]]:
    """First row, one past the last, and the positions in ``training.values`` at which these rows stand."""
    positions = np.argsort(training.values, kind="stable")
    ends = np.cumsum(tracks.count)
    first = 0
    while first < len(tracks):
        start = ends[first] - tracks.count[first]
        last = max(first + 1, int(np.searchsorted(ends, start + _BLOCK, side="right")))
        yield first, last, positions[start : ends[last - 1]]
        first = last


def _count_block(
    training: FlatSequences,
    positions: np.ndarray,
    first: int,
    shape: tuple[int, int],
    steps: np.ndarray,
    step_weights: np.ndarray,
) -> csr_matrix:
    playlist = np.searchsorted(training.offsets, positions, side="right") - 1
    starts, ends = training.offsets[playlist], training.offsets[playlist + 1]
    own, near, weights = [], [], []
    for step, weight in zip(steps.tolist(), step_weights.tolist(), strict=True):
        there = positions + step
        inside = (there >= starts) & (there < ends)
        rows, columns = training.values[positions[inside]], training.values[there[inside]]
        other = rows != columns
        own.append(rows[other] - first)
        near.append(columns[other])
        weights.append(np.full(np.count_nonzero(other), weight, np.float32))
    return csr_matrix((np.concatenate(weights), (np.concatenate(own), np.concatenate(near))), shape=shape)
