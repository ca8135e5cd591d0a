"""The loop that searches lists of vectors, compiled; several threads can call it."""

import numpy as np

from rec_assets.core.base.compiled import compiled, compiled_in_any_order
from rec_assets.core.strategies.best_loops import offer
from rec_assets.core.strategies.sparse_loops import transposed


@compiled_in_any_order
def _dot(left: np.ndarray, right: np.ndarray) -> np.float32:
    total = np.float32(0)
    for x in range(len(left)):
        total += left[x] * right[x]
    return total


@compiled
def search_lists(
    queries: np.ndarray, centres: np.ndarray, lists: tuple[np.ndarray, np.ndarray, np.ndarray], read: int, depth: int
) -> np.ndarray:
    """(m, depth) int32 places of the greatest dot products with ``queries`` (m, d), in no order; -1 = no more.

    Of the ``lists`` (where each begins, places, vectors), those are ``read`` whose ``centres`` (l, d) have the
    greatest dot products.
    """
    starts, places, vectors = lists
    read = min(read, len(centres))
    chosen, nearness = np.empty((len(queries), read), np.int32), np.empty(read, np.float32)
    for row in range(len(queries)):
        kept = 0
        for number in range(len(centres)):
            kept = offer(chosen[row], nearness, kept, number, _dot(queries[row], centres[number]))
    # List by list, so that a list that several queries read is read from memory once.
    begins, asking = transposed(np.arange(len(queries) + 1) * read, chosen.ravel(), len(centres))
    found, scores = np.full((len(queries), depth), np.int32(-1)), np.empty((len(queries), depth), np.float32)
    counts = np.zeros(len(queries), np.int64)
    for number in range(len(centres)):
        for row in asking[begins[number] : begins[number + 1]]:
            for entry in range(starts[number], starts[number + 1]):
                score = _dot(queries[row], vectors[entry])
                if score > -np.inf and (counts[row] < depth or score >= scores[row, 0]):
                    counts[row] = offer(found[row], scores[row], counts[row], places[entry], score)
    return found
