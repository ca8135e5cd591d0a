"""How often tracks stand near each other in the training playlists: frequent ones counted once, rare ones on demand."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.strategies.sparse import keep_best, matrix_arrays, matrix_of, scaled
from rec_assets.core.strategies.tracks import Tracks

# Occurrences per block; each gives an entry per step of the window before they are added up: some 50 bytes.
_BLOCK = 100_000
# Rows are stored that may hold more than so many times the values that are kept. Item neighbourhoods of 9M occurrences
# take 240 MB more with 1, and twice the time to answer with 4.
_READ = 2


@dataclass(frozen=True)
class Nearness:
    """What counts as near.

    Attributes:
        steps: (s,) distances, negative = before.
        step_weights: (s,) what a meeting at that distance counts.
        damping: the sum of weights is divided by ``(count of row * count of column) ** damping``.
        kept: the highest values of a row that stay; without a bound the matrix grows by the square of a playlist.
    """

    steps: np.ndarray
    step_weights: np.ndarray
    damping: float
    kept: int


@dataclass(frozen=True)
class Cooccurrence:
    """The matrix (t, t) of how strongly the column's track stands near the row's, itself aside.

    Most tracks are rare, and what is near them is read off the playlists as quickly as off a matrix, which would
    take more memory than all else. So only rows of frequent tracks are stored.

    Attributes:
        training: playlists of rows.
        nearness: what counts as near.
        scale: (t,) factor of each track's values.
        matrix: (f, t) rows of the ``f`` frequent tracks.
        starts: (t - f + 1,) where the ``positions`` of each rare track begin.
        positions: (p,) places of the rare tracks in the values of ``training``, track by track.
    """

    training: FlatSequences
    nearness: Nearness
    scale: np.ndarray
    matrix: csr_matrix
    starts: np.ndarray
    positions: np.ndarray

    @classmethod
    def count(cls, tracks: Tracks, training: FlatSequences, nearness: Nearness) -> "Cooccurrence":
        """Count the ``training`` playlists of rows; ``tracks`` are their rows and counts."""
        kind = np.int32 if len(training.values) < 2**31 else np.int64
        every = cls(
            training,
            nearness,
            scale=np.maximum(tracks.count, 1).astype(np.float64) ** -nearness.damping,
            matrix=csr_matrix((0, len(tracks)), dtype=np.float32),
            starts=np.concatenate([np.zeros(1, np.int64), np.cumsum(tracks.count)]),
            positions=np.argsort(training.values, kind="stable").astype(kind),
        )
        # Rows stand by falling count.
        frequent = int(np.count_nonzero(tracks.count * len(nearness.steps) > _READ * nearness.kept))
        first = every.starts[frequent]
        return replace(
            every,
            matrix=every._count_first(frequent),
            # Those of the frequent tracks are not asked for any more.
            starts=every.starts[frequent:] - first,
            positions=every.positions[first:].copy(),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was counted, by name."""
        return {
            "values": self.training.values,
            "offsets": self.training.offsets,
            "scale": self.scale,
            "starts": self.starts,
            "positions": self.positions,
            **matrix_arrays("matrix", self.matrix),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], nearness: Nearness) -> "Cooccurrence":
        """The inverse of :meth:`arrays`."""
        offsets, scale = arrays["offsets"], arrays["scale"]
        training = FlatSequences(np.empty(len(offsets) - 1, np.int8), arrays["values"], offsets)
        matrix = matrix_of("matrix", arrays, len(scale))
        return cls(training, nearness, scale, matrix, arrays["starts"], arrays["positions"])

    def __len__(self) -> int:
        """Number of tracks."""
        return len(self.scale)

    @property
    def _frequent(self) -> int:
        return len(self.matrix.indptr) - 1

    def rows(self, wanted: np.ndarray) -> csr_matrix:
        """(w, t) float32 rows ``wanted`` (w,), which ascend."""
        stored = int(np.searchsorted(wanted, self._frequent))
        rare = keep_best(self._count(wanted[stored:] - self._frequent, wanted[stored:]), self.nearness.kept)
        frequent = self.matrix[wanted[:stored]]
        indptr = np.concatenate([frequent.indptr, frequent.indptr[-1] + rare.indptr[1:]])
        values = np.concatenate([frequent.data, rare.data]), np.concatenate([frequent.indices, rare.indices])
        return csr_matrix((*values, indptr), shape=(len(wanted), len(self)))

    def _count_first(self, frequent: int) -> csr_matrix:
        """(frequent, t) the highest values of the first rows."""
        # No memory is taken before it is written to; blocks that are put together in the end would be there twice.
        most = frequent * self.nearness.kept
        data, indices = np.empty(most, np.float32), np.empty(most, np.int32)
        indptr = np.zeros(frequent + 1, np.int32 if most < 2**31 else np.int64)
        first = 0
        while first < frequent:
            last = int(np.searchsorted(self.starts, self.starts[first] + _BLOCK, side="right")) - 1
            last = min(max(first + 1, last), frequent)
            rows = np.arange(first, last)
            block = keep_best(self._count(rows, rows), self.nearness.kept)
            indptr[first + 1 : last + 1] = indptr[first] + block.indptr[1:]
            place = slice(indptr[first], indptr[last])
            data[place], indices[place] = block.data, block.indices
            first = last
        values = data[: indptr[-1]], indices[: indptr[-1]]
        return csr_matrix((*values, indptr), shape=(frequent, len(self)))

    def _count(self, listed: np.ndarray, rows: np.ndarray) -> csr_matrix:
        """All values of ``rows`` (r,), whose places in ``starts`` are ``listed`` (r,)."""
        counts = self.starts[listed + 1] - self.starts[listed]
        number = np.repeat(np.arange(len(rows), dtype=np.int32), counts)
        begins = np.cumsum(counts) - counts
        positions = self.positions[np.arange(len(number)) + np.repeat(self.starts[listed] - begins, counts)]
        playlist = np.searchsorted(self.training.offsets, positions, side="right") - 1
        first, end = self.training.offsets[playlist], self.training.offsets[playlist + 1]
        own, near, weights = [np.empty(0, np.int32)], [np.empty(0, np.int32)], [np.empty(0, np.float32)]
        for step, weight in zip(self.nearness.steps.tolist(), self.nearness.step_weights.tolist(), strict=True):
            there = positions + step
            inside = (there >= first) & (there < end)
            column = self.training.values[there[inside]]
            other = column != self.training.values[positions[inside]]
            own.append(number[inside][other])
            near.append(column[other])
            weights.append(np.full(np.count_nonzero(other), weight, np.float32))
        entries = np.concatenate(weights), (np.concatenate(own), np.concatenate(near))
        return scaled(csr_matrix(entries, shape=(len(rows), len(self))), self.scale[rows], self.scale)
