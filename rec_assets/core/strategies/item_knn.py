"""Two strategies over tracks that are near each other in the training playlists: neighbourhoods, and what follows."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.sparse import csr_matrix

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.strategies.sparse import SparseScores, arrays_of, keep_best, matrix_of, product, recency, scaled
from rec_assets.core.strategies.tracks import Tracks

# Occurrences per block; each gives an entry per step of the window before they are added up: some 50 bytes.
_BLOCK = 100_000
# Rows are stored that may hold more than so many times the values that are kept. Item neighbourhoods of 9M occurrences
# take 240 MB more with 1, and twice the time to answer with 4.
_READ = 2
_RULES_WINDOW, _RULES = 10, 200  # as of Ludewig & Jannach


class ItemKnnSettings(Settings):
    """How near tracks are counted; the defaults are the best of those tried on two real sets."""

    item_knn_window: int = setting(10, "item_knn: tracks at most so many steps apart are near.", ge=1, le=1_000)
    item_knn_damping: float = setting(
        0.25, "item_knn: similarity is divided by the product of both counts to this power; 0.5 = cosine.", ge=0, le=2
    )
    item_knn_neighbours: int = setting(200, "item_knn: most similar tracks kept of each track.", ge=1, le=10_000)
    item_knn_decay: float = setting(
        0.9, "item_knn: weight of a track of the history, per step back from its end.", gt=0, le=1
    )
    item_knn_length: int = setting(20, "item_knn: tracks of the history that count.", ge=1, le=10_000)


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
    """The matrix (t, t) of how near the column's track is to the row's, without the track itself.

    Most tracks are rare, and what is near them is read from the playlists as quickly as from a matrix, which would
    take more memory than all else. So only rows of frequent tracks are stored.

    Attributes:
        training: playlists of rows.
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
        """Count what is near what in the ``training`` playlists of rows."""
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
            **arrays_of("matrix", self.matrix),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], nearness: Nearness) -> "Cooccurrence":
        """The inverse of :meth:`arrays`."""
        offsets, scale = arrays["offsets"], arrays["scale"]
        training = FlatSequences(np.empty(len(offsets) - 1, np.int8), arrays["values"], offsets)
        matrix = matrix_of("matrix", arrays, len(scale))
        return cls(training, nearness, scale, matrix, arrays["starts"], arrays["positions"])

    def rows(self, wanted: np.ndarray) -> csr_matrix:
        """(w, t) float32 rows ``wanted`` (w,), which ascend."""
        frequent = len(self.matrix.indptr) - 1
        stored = int(np.searchsorted(wanted, frequent))
        rare = keep_best(self._count(wanted[stored:] - frequent, wanted[stored:]), self.nearness.kept)
        held = self.matrix[wanted[:stored]]
        indptr = np.concatenate([held.indptr, held.indptr[-1] + rare.indptr[1:]])
        values = np.concatenate([held.data, rare.data]), np.concatenate([held.indices, rare.indices])
        return csr_matrix((*values, indptr), shape=(len(wanted), len(self.scale)))

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
        return csr_matrix((*values, indptr), shape=(frequent, len(self.scale)))

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
        return scaled(csr_matrix(entries, shape=(len(rows), len(self.scale))), self.scale[rows], self.scale)


@dataclass(frozen=True)
class _NearTracks:
    """Sums what is near the last ``length`` tracks of a history, each weighted by ``decay`` per step back."""

    near: Cooccurrence
    decay: float
    length: int
    batch = 1_024

    def arrays(self) -> dict[str, np.ndarray]:
        """See :class:`~rec_assets.core.strategies.answers.Strategy`."""
        return self.near.arrays()

    def score(self, histories: FlatSequences) -> SparseScores:
        """Scores of the tracks near those of the history; the rest is 0."""
        weights = recency(histories, len(self.near.scale), decay=self.decay, length=self.length)
        asked, place = np.unique(weights.indices, return_inverse=True)
        weights = csr_matrix((weights.data, place, weights.indptr), shape=(len(histories), len(asked)))
        return SparseScores(product(weights, self.near.rows(asked)))


class ItemKnn(_NearTracks):
    """Item neighbourhoods (Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms").

    The similarity of two tracks is how often they stand within ``window`` steps of each other, over
    ``(count * count) ** damping``: with 0.5 the cosine. Only the ``neighbours`` most similar of each track count.
    """

    @classmethod
    def fit(cls, tracks: Tracks, training: FlatSequences, settings: ItemKnnSettings) -> "ItemKnn":
        """Count what is near what in the ``training`` playlists of rows."""
        near = Cooccurrence.count(tracks, training, cls._nearness(settings))
        return cls(near, settings.item_knn_decay, settings.item_knn_length)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], settings: ItemKnnSettings) -> "ItemKnn":
        """The inverse of :meth:`arrays`."""
        near = Cooccurrence.from_arrays(arrays, cls._nearness(settings))
        return cls(near, settings.item_knn_decay, settings.item_knn_length)

    @staticmethod
    def _nearness(settings: ItemKnnSettings) -> Nearness:
        window = settings.item_knn_window
        steps = np.setdiff1d(np.arange(-window, window + 1), [0])
        return Nearness(steps, np.ones(len(steps)), settings.item_knn_damping, settings.item_knn_neighbours)


class SequentialRules(_NearTracks):
    """What followed the last track, ``s`` steps on counting 1 / s (SR of Ludewig & Jannach 2018, section 3.1)."""

    @classmethod
    def fit(cls, tracks: Tracks, training: FlatSequences) -> "SequentialRules":
        """Count what follows what in the ``training`` playlists of rows."""
        return cls(Cooccurrence.count(tracks, training, cls._nearness()), decay=1, length=1)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "SequentialRules":
        """The inverse of :meth:`arrays`."""
        return cls(Cooccurrence.from_arrays(arrays, cls._nearness()), decay=1, length=1)

    @staticmethod
    def _nearness() -> Nearness:
        steps = np.arange(1, _RULES_WINDOW + 1)
        return Nearness(steps, 1 / steps, 0.0, _RULES)
