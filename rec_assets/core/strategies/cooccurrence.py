"""What stands near what in the training playlists, and how often."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.read_only import read_only
from rec_assets.core.strategies.sparse import SparseRows
from rec_assets.core.strategies.tracks import Tracks

_BLOCK = 1_000  # rows that a thread counts at once
# Rows are stored that may hold more than so many times the values that are kept. Item neighbourhoods of 9M occurrences
# take 240 MB more with 1, and twice the time to answer with 4.
_READ = 2


@dataclass(frozen=True)
class Nearness:
    """What counts as near.

    Attributes:
        weights: (s,) float32, what a track counts by its distance, from the farthest before to the farthest after.
        middle: which of them is the distance 0, and 0.
        damping: the sum of weights is divided by ``(count of row * count of column) ** damping``.
        kept: the highest values of a row that stay; without a bound the matrix grows by the square of a playlist.
    """

    weights: np.ndarray
    middle: int
    damping: float
    kept: int


@dataclass(frozen=True)
class Cooccurrence:
    """The matrix (t, t) of how near the column's track is to the row's, without the track itself.

    Most tracks are rare, and what is near them is read from the playlists as quickly as from a matrix, which would
    take more memory than all else. So only rows of frequent tracks are stored.

    Attributes:
        values: (m,) int32 rows of the training playlists, one after the other.
        begins: (m,) bool, whether a playlist begins there.
        scale: (t,) float32 factor of each track's values.
        stored: (f, t) rows of the ``f`` frequent tracks.
        starts: (t - f + 1,) int64 where the ``positions`` of each rare track begin.
        positions: (p,) places of the rare tracks in ``values``, track by track.
    """

    values: np.ndarray
    begins: np.ndarray
    nearness: Nearness
    scale: np.ndarray
    stored: SparseRows
    starts: np.ndarray
    positions: np.ndarray

    @classmethod
    def count(cls, tracks: Tracks, training: FlatSequences, nearness: Nearness) -> "Cooccurrence":
        """Count what is near what in the ``training`` playlists of rows."""
        kind = np.int32 if len(training.values) < 2**31 else np.int64
        none = SparseRows(np.zeros(1, np.int64), np.empty(0, np.int32), np.empty(0, np.float32), len(tracks))
        begins = np.zeros(len(training.values), bool)
        begins[training.offsets[:-1][training.lengths() > 0]] = True
        every = cls(
            training.values,
            begins,
            nearness,
            scale=(np.maximum(tracks.count, 1).astype(np.float64) ** -nearness.damping).astype(np.float32),
            stored=none,
            starts=np.concatenate([np.zeros(1, np.int64), np.cumsum(tracks.count)]),
            positions=np.argsort(training.values, kind="stable").astype(kind),
        )
        # Rows stand by falling count.
        steps = np.count_nonzero(nearness.weights)
        frequent = int(np.count_nonzero(tracks.count * steps > _READ * nearness.kept))
        first = every.starts[frequent]
        return replace(
            every,
            stored=every._count_first(frequent),
            starts=every.starts[frequent:] - first,
            positions=every.positions[first:].copy(),
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was counted, by name."""
        return {
            "values": self.values,
            "begins": self.begins,
            "scale": self.scale,
            "starts": self.starts,
            "positions": self.positions,
            **self.stored.arrays("stored"),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], nearness: Nearness) -> "Cooccurrence":
        """The inverse of :meth:`arrays`."""
        scale = arrays["scale"]
        stored = SparseRows.from_arrays(arrays, "stored", len(scale))
        return cls(arrays["values"], arrays["begins"], nearness, scale, stored, arrays["starts"], arrays["positions"])

    def rows(self, wanted: np.ndarray) -> SparseRows:
        """(w, t) rows ``wanted`` (w,) int32, which ascend."""
        frequent = int(np.searchsorted(wanted, len(self.stored)))
        held, rare = self.stored.taken(wanted[:frequent]), self._count(wanted[frequent:])
        return SparseRows(
            np.concatenate([held.starts, held.starts[-1] + rare.starts[1:]]),
            np.concatenate([held.columns, rare.columns]),
            np.concatenate([held.values, rare.values]),
            len(self.scale),
        )

    def _count(self, wanted: np.ndarray) -> SparseRows:
        """The rows of tracks of which none is stored."""
        from rec_assets.core.strategies import neighbour_loops

        near = neighbour_loops.near(
            read_only(wanted),
            (read_only(self.starts), read_only(self.positions), len(self.stored)),
            (read_only(self.values), read_only(self.begins)),
            (self.nearness.weights, self.nearness.middle),
            read_only(self.scale),
            self.nearness.kept,
        )
        return SparseRows(*near, width=len(self.scale))

    def _count_first(self, frequent: int) -> SparseRows:
        """(frequent, t) the first rows."""
        # No memory is taken before it is written to; blocks that are put together in the end would be there twice.
        room = frequent * self.nearness.kept
        columns, values, starts = np.empty(room, np.int32), np.empty(room, np.float32), np.zeros(frequent + 1, np.int64)
        wanted_rows = np.arange(frequent, dtype=np.int32)
        blocks = [wanted_rows[first : first + _BLOCK] for first in range(0, frequent, _BLOCK)]
        with ThreadPoolExecutor(os.cpu_count()) as workers:
            for wanted, block in zip(blocks, workers.map(self._count, blocks), strict=True):
                start = starts[wanted[0]]
                starts[wanted + 1] = start + block.starts[1:]
                columns[start : start + len(block.columns)] = block.columns
                values[start : start + len(block.values)] = block.values
        return SparseRows(starts, columns[: starts[-1]], values[: starts[-1]], len(self.scale))
