"""Scores held as a sparse matrix: what is not there is 0, and no answer."""

import numpy as np
from scipy.sparse import csr_matrix

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.strategies.answers import Answers, best
from rec_assets.core.strategies.sparse import entries, row_slices


class SparseScores:
    """Scores of ``m`` histories in a matrix (m, tracks); only entries above ``above`` are answers."""

    def __init__(self, matrix: csr_matrix, *, above: float = 0.0) -> None:
        self._matrix, self._above = matrix, above

    def top(self, depth: int, left_out: FlatSequences | None = None) -> Answers:
        """See :class:`~rec_assets.core.strategies.answers.Scores`."""
        answers = Answers.empty(len(self._matrix.indptr) - 1, depth)
        is_out = np.zeros(int(self._matrix.get_shape()[1]) if left_out is not None else 0, bool)
        for history, place in enumerate(row_slices(self._matrix)):
            rows, scores = self._matrix.indices[place], self._matrix.data[place]
            kept = scores > self._above
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
        return entries(self._matrix, history, rows)
