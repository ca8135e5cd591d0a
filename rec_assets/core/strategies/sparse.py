"""Sparse matrices as the strategies use them: weights, products and the best of each row."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.sparse import csr_matrix

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.strategies.answers import Answers, best


def arrays_of(name: str, matrix: csr_matrix) -> dict[str, np.ndarray]:
    """The arrays of ``matrix``, by names that begin with ``name``."""
    return {f"{name}.{part}": getattr(matrix, part) for part in ("data", "indices", "indptr")}


def matrix_of(name: str, arrays: Mapping[str, np.ndarray], columns: int) -> csr_matrix:
    """The inverse of :func:`arrays_of`, over the same memory."""
    data, indices, indptr = (arrays[f"{name}.{part}"] for part in ("data", "indices", "indptr"))
    return csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, columns))


def product(left: csr_matrix, right: csr_matrix) -> csr_matrix:
    """``left`` times ``right``, sparse."""
    return _product_of_one(left, right) if len(left.indptr) == 2 else csr_matrix(left @ right)


def _product_of_one(left: csr_matrix, right: csr_matrix) -> csr_matrix:
    """``product`` of one row, to the last bit and in the same order.

    scipy lays out every column of ``right`` three times: 15 ms for 2.5M tracks, where a history meets some thousand.
    """
    met = right[left.indices]
    columns, steps = met.indices, np.arange(len(met.indices), dtype=np.int32)
    # Only what was written is read.
    scratch = np.empty(int(right.get_shape()[1]), np.int32)
    # Of equal columns the last that is written stays: the first, from behind.
    scratch[columns[::-1]] = steps[::-1]
    found = columns[scratch[columns] == steps]
    scratch[found] = steps[: len(found)]
    compact = csr_matrix((met.data, scratch[columns], met.indptr), shape=(len(left.indices), len(found)))
    # Backwards, as scipy has it: what is added up next is added up in this order.
    sums, found = (compact.T @ left.data)[::-1], found[::-1]
    kept = sums != 0
    indptr = np.array([0, np.count_nonzero(kept)], right.indptr.dtype)
    return csr_matrix((sums[kept], found[kept], indptr), shape=(1, len(scratch)))


def scaled(matrix: csr_matrix, rows: np.ndarray | None = None, columns: np.ndarray | None = None) -> csr_matrix:
    """``matrix`` (r, c) float32 with its ``rows`` (r,) and ``columns`` (c,) multiplied by these factors."""
    data = matrix.data
    if rows is not None:
        data = data * np.repeat(rows, np.diff(matrix.indptr))
    if columns is not None:
        data = data * columns[matrix.indices]
    return csr_matrix((data.astype(np.float32), matrix.indices, matrix.indptr), shape=matrix.shape)


def recency(histories: FlatSequences, tracks: int, *, decay: float, length: int) -> csr_matrix:
    """(m, tracks) weight of each track of each history: ``decay`` per step back, over the last ``length`` steps.

    A track that occurs twice has two entries, which products add up.
    """
    kept = np.minimum(histories.lengths(), length)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept)])
    back = np.repeat(starts[1:], kept) - 1 - np.arange(starts[-1])
    rows = histories.values[np.repeat(histories.offsets[1:], kept) - 1 - back]
    return csr_matrix((np.float32(decay) ** back.astype(np.float32), rows, starts), shape=(len(histories), tracks))


def row_slices(matrix: csr_matrix) -> Iterator[slice]:
    """Where each row of ``matrix`` stands in its arrays."""
    return (slice(start, end) for start, end in pairwise(np.asarray(matrix.indptr).tolist()))


def keep_best(matrix: csr_matrix, count: int) -> csr_matrix:
    """``matrix`` with the ``count`` highest values of each row only, ties by the lowest column."""
    kept = np.ones(matrix.nnz, bool)
    for place in row_slices(matrix):
        if place.stop - place.start > count:
            kept[place] = False
            kept[place.start + best(matrix.indices[place], matrix.data[place], count)] = True
    indptr = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept)])[matrix.indptr]
    return csr_matrix((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)


def row_sums(matrix: csr_matrix) -> np.ndarray:
    """(r,) float32 sum of each row."""
    return np.asarray(matrix.sum(axis=1), np.float32).ravel()


def entries(matrix: csr_matrix, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """(c,) float32 value at each of ``rows`` (c,) and ``columns`` (c,), 0 where there is none.

    ``matrix`` holds no place twice. A row is laid out in full, since scipy reads all of it for each value.
    """
    found = np.empty(len(rows), np.float32)
    # Only what was written is read.
    laid_out = np.empty(int(matrix.get_shape()[1]), np.float32)
    order = np.argsort(rows, kind="stable")
    bounds = np.searchsorted(rows[order], np.arange(len(matrix.indptr))).tolist()
    for place, (first, last) in zip(row_slices(matrix), pairwise(bounds), strict=True):
        if first < last:
            asked = columns[order[first:last]]
            laid_out[asked] = 0
            laid_out[matrix.indices[place]] = matrix.data[place]
            found[order[first:last]] = laid_out[asked]
    return found


@dataclass(frozen=True)
class SparseScores:
    """Scores of ``m`` histories in a ``matrix`` (m, tracks); only entries above ``above`` are answers."""

    matrix: csr_matrix
    above: float = 0.0

    def top(self, depth: int, left_out: FlatSequences | None = None) -> Answers:
        """See :class:`~rec_assets.core.strategies.answers.Scores`."""
        answers = Answers.empty(len(self.matrix.indptr) - 1, depth)
        is_out = np.zeros(int(self.matrix.get_shape()[1]) if left_out is not None else 0, bool)
        for history, place in enumerate(row_slices(self.matrix)):
            rows, scores = self.matrix.indices[place], self.matrix.data[place]
            kept = scores > self.above
            if left_out is not None:
                own = left_out.tracks_of(history)
                is_out[own] = True
                kept &= ~is_out[rows]
                is_out[own] = False
            rows, scores = rows[kept], scores[kept]
            found = best(rows, scores, depth)
            answers.rows[history, : len(found)] = rows[found]
            answers.scores[history, : len(found)] = scores[found]
        return answers

    def at(self, history: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """See :class:`~rec_assets.core.strategies.answers.Scores`."""
        return entries(self.matrix, history, rows)
