"""Rows of few entries, such as weights of the tracks of a history, and what strategies do with them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import ModuleType

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.read_only import read_only
from rec_assets.core.strategies.answers import Answers

_NOTHING = np.empty(0, np.int32)
_CHUNK = 16_384  # rows whose products are in memory at once


@cache
def _loops() -> ModuleType:
    # numba: half a second, which a job spends when it first answers
    from rec_assets.core.strategies import sparse_loops

    return sparse_loops


@dataclass(frozen=True)
class SparseRows:
    """``r`` rows over ``width`` columns; row ``i`` has the entries from ``starts[i]`` to ``starts[i + 1]``.

    Attributes:
        starts: (r + 1,) int64.
        columns: (e,) int32; only where it is said may a row hold one twice.
        values: (e,) float32.
    """

    starts: np.ndarray
    columns: np.ndarray
    values: np.ndarray
    width: int

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], name: str, width: int) -> "SparseRows":
        """The inverse of :meth:`arrays`, over the same memory."""
        return cls(*(arrays[f"{name}.{part}"] for part in ("starts", "columns", "values")), width=width)

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        """The arrays by names that begin with ``name``."""
        return {f"{name}.starts": self.starts, f"{name}.columns": self.columns, f"{name}.values": self.values}

    def __len__(self) -> int:
        """Number of rows."""
        return len(self.starts) - 1

    @property
    def parts(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The arrays, as the compiled loops take them."""
        return read_only(self.starts), read_only(self.columns), read_only(self.values)

    def times(self, right: "SparseRows", most: int | None = None, read: int | None = None) -> "SparseRows":
        """The product, of which each row keeps its ``most`` highest values, ties by the lowest column.

        Of each row of ``right`` the first ``read`` entries count. A row may hold a column twice here, and in no
        product.
        """
        kept, counted = (right.width if bound is None else min(bound, right.width) for bound in (most, read))
        return SparseRows(*_loops().multiply(self.parts, right.parts, right.width, kept, counted), width=right.width)

    def times_vectors(self, vectors: np.ndarray) -> np.ndarray:
        """(r, d) float32 product with ``vectors`` (width, d)."""
        sums = np.zeros((len(self), vectors.shape[1]), np.float32)
        for first in range(0, len(self), _CHUNK):
            bounds = self.starts[first : first + _CHUNK + 1]
            own = slice(bounds[0], bounds[-1])
            filled = np.flatnonzero(np.diff(bounds))
            if len(filled):
                products = vectors[self.columns[own]] * self.values[own, None]
                sums[first + filled] = np.add.reduceat(products, bounds[filled] - bounds[0])
        return sums

    def taken(self, rows: np.ndarray) -> "SparseRows":
        """Some ``rows`` (w,), in that order."""
        return SparseRows(*_loops().take(self.parts, read_only(rows)), width=self.width)

    def where(self, kept: np.ndarray) -> "SparseRows":
        """The entries that are ``kept`` (e,)."""
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept, dtype=np.int64)])
        return SparseRows(before[self.starts], self.columns[kept], self.values[kept], self.width)

    def owners(self) -> np.ndarray:
        """(e,) the row of each entry."""
        return np.repeat(np.arange(len(self)), np.diff(self.starts))

    def row_sums(self) -> np.ndarray:
        """(r,) float32."""
        return np.bincount(self.owners(), weights=self.values, minlength=len(self)).astype(np.float32)

    def at(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """(c,) float32 value at each of ``rows`` (c,) and ``columns`` (c,); 0 where there is none.

        The columns of each row ascend.
        """
        return _loops().look_up(self.parts, read_only(rows), read_only(columns))


def recency(histories: FlatSequences, tracks: int, *, decay: float, length: int) -> SparseRows:
    """(m, tracks) weight of each track of each history: ``decay`` per step back, over the last ``length`` steps.

    A track that occurs twice has two entries, which products add up.
    """
    kept = np.minimum(histories.lengths(), length)
    starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept)])
    back = np.repeat(starts[1:], kept) - 1 - np.arange(starts[-1])
    rows = histories.values[np.repeat(histories.offsets[1:], kept) - 1 - back]
    return SparseRows(starts, rows, np.float32(decay) ** back.astype(np.float32), tracks)


@dataclass(frozen=True)
class SparseScores:
    """Scores of ``m`` histories in ``rows`` over all tracks; only entries above ``above`` are answers."""

    rows: SparseRows
    above: float = 0.0

    def top(self, depth: int, left_out: FlatSequences | None = None) -> Answers:
        """See :class:`~rec_assets.core.strategies.answers.Scores`."""
        from rec_assets.core.strategies import best_loops

        nothing = _NOTHING, np.zeros(len(self.rows) + 1, np.int64)
        values, offsets = nothing if left_out is None else (left_out.values, left_out.offsets)
        silent = read_only(values), read_only(offsets)
        return Answers(*best_loops.best_of(self.rows.parts, self.above, depth, silent))

    def at(self, history: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """See :class:`~rec_assets.core.strategies.answers.Scores`."""
        return self.rows.at(history, rows)
