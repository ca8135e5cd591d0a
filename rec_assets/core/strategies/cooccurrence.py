"""How often tracks stand near each other in the training playlists: frequent ones counted once, rare ones on demand."""

import numpy as np
from scipy.sparse import csr_matrix

from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.strategies.sparse import keep_best, scaled
from rec_assets.core.tracks import Tracks

# Occurrences per block; each gives an entry per step of the window before they are added up: some 50 bytes.
_BLOCK = 100_000
# Rows are stored that may hold more than so many times the values that are kept. Item neighbourhoods of 9M occurrences
# take 240 MB more with 1, and twice the time to answer with 4.
_READ = 2


class Cooccurrence:
    """The matrix (t, t) of how strongly the column's track stands ``steps`` after the row's, itself aside.

    Most tracks are rare, and what is near them is read off the playlists as quickly as off a matrix, which would
    take more memory than all else. So only rows of frequent tracks are stored.

    Args:
        tracks: rows and counts.
        training: playlists of rows.
        steps: (s,) distances, negative = before.
        step_weights: (s,) what a meeting at that distance counts.
        damping: the sum of weights is divided by ``(count of row * count of column) ** damping``.
        kept: the highest values of a row that stay; without a bound the matrix grows by the square of a playlist.
    """

    def __init__(
        self,
        tracks: Tracks,
        training: FlatSequences,
        *,
        steps: np.ndarray,
        step_weights: np.ndarray,
        damping: float,
        kept: int,
    ) -> None:
        self._training, self._steps, self._step_weights, self._kept = training, steps, step_weights, kept
        self._scale = np.maximum(tracks.count, 1).astype(np.float64) ** -damping
        self._starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(tracks.count)])
        self._positions = np.argsort(training.values, kind="stable").astype(
            np.int32 if len(training.values) < 2**31 else np.int64
        )
        # Rows stand by falling count.
        self._frequent = int(np.count_nonzero(tracks.count * len(steps) > _READ * kept))
        self._matrix = self._count_frequent()
        # Those of the frequent tracks are not asked for any more.
        first = self._starts[self._frequent]
        self._positions, self._starts = self._positions[first:].copy(), self._starts - first

    def rows(self, wanted: np.ndarray) -> csr_matrix:
        """(w, t) float32 rows ``wanted`` (w,), which ascend."""
        stored = int(np.searchsorted(wanted, self._frequent))
        frequent, rare = self._matrix[wanted[:stored]], keep_best(self._count(wanted[stored:]), self._kept)
        indptr = np.concatenate([frequent.indptr, frequent.indptr[-1] + rare.indptr[1:]])
        values = np.concatenate([frequent.data, rare.data]), np.concatenate([frequent.indices, rare.indices])
        return csr_matrix((*values, indptr), shape=(len(wanted), len(self._scale)))

    def _count_frequent(self) -> csr_matrix:
        # No memory is taken before it is written to; blocks that are put together in the end would be there twice.
        most = self._frequent * self._kept
        data, indices = np.empty(most, np.float32), np.empty(most, np.int32)
        indptr = np.zeros(self._frequent + 1, np.int32 if most < 2**31 else np.int64)
        first = 0
        while first < self._frequent:
            last = int(np.searchsorted(self._starts, self._starts[first] + _BLOCK, side="right")) - 1
            last = min(max(first + 1, last), self._frequent)
            block = keep_best(self._count(np.arange(first, last)), self._kept)
            indptr[first + 1 : last + 1] = indptr[first] + block.indptr[1:]
            place = slice(indptr[first], indptr[last])
            data[place], indices[place] = block.data, block.indices
            first = last
        values = data[: indptr[-1]], indices[: indptr[-1]]
        return csr_matrix((*values, indptr), shape=(self._frequent, len(self._scale)))

    def _count(self, rows: np.ndarray) -> csr_matrix:
        """All values of ``rows``."""
        counts = self._starts[rows + 1] - self._starts[rows]
        number = np.repeat(np.arange(len(rows), dtype=np.int32), counts)
        starts = np.cumsum(counts) - counts
        positions = self._positions[np.arange(len(number)) + np.repeat(self._starts[rows] - starts, counts)]
        playlist = np.searchsorted(self._training.offsets, positions, side="right") - 1
        first, end = self._training.offsets[playlist], self._training.offsets[playlist + 1]
        own, near, weights = [np.empty(0, np.int32)], [np.empty(0, np.int32)], [np.empty(0, np.float32)]
        for step, weight in zip(self._steps.tolist(), self._step_weights.tolist(), strict=True):
            there = positions + step
            inside = (there >= first) & (there < end)
            column = self._training.values[there[inside]]
            other = column != self._training.values[positions[inside]]
            own.append(number[inside][other])
            near.append(column[other])
            weights.append(np.full(np.count_nonzero(other), weight, np.float32))
        entries = np.concatenate(weights), (np.concatenate(own), np.concatenate(near))
        return scaled(csr_matrix(entries, shape=(len(rows), len(self._scale))), self._scale[rows], self._scale)
