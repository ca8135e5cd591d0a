"""The loop that searches lists of vectors, compiled; several threads can call it."""

import numpy as np

from rec_assets.core.base.compiled import compiled
from rec_assets.core.strategies.best_loops import offer
from rec_assets.core.strategies.product_loops import multiply
from rec_assets.core.strategies.sparse_loops import transposed


@compiled
def search_lists(
    asked: tuple[np.ndarray, np.ndarray],
    centres: np.ndarray,
    lists: tuple[np.ndarray, np.ndarray, np.ndarray],
    read: int,
    depth: int,
) -> np.ndarray:
    """(m, depth) int32 places of the greatest dot products with the queries (m, d), in no order; -1 = no more.

    Of the ``lists`` (where each begins, places, codes), those are ``read`` whose ``centres`` (l, d) have the greatest
    dot products. ``asked`` are the queries, and the same (m, d) for products with codes.
    """
    starts, places, codes = lists
    queries, for_codes = asked
    read, size, longest = min(read, len(centres)), queries.shape[1], len(centres)
    for number in range(len(centres)):
        longest = max(longest, starts[number + 1] - starts[number])
    chosen, nearness = np.empty((len(queries), read), np.int32), np.empty(read, np.float32)
    products = np.empty(longest, np.float32)
    for row in range(len(queries)):
        multiply(queries, row, centres, 0, len(centres), size, products)
        kept, own = 0, chosen[row]
        for number in range(len(centres)):
            kept = offer(own, nearness, kept, number, products[number])
    # List by list, so that a list that several queries read is read from memory once.
    begins, asking = transposed(np.arange(len(queries) + 1) * read, chosen.ravel(), len(centres))
    found, scores = np.full((len(queries), depth), np.int32(-1)), np.empty((len(queries), depth), np.float32)
    counts = np.zeros(len(queries), np.int64)
    for number in range(len(centres)):
        for row in asking[begins[number] : begins[number + 1]]:
            multiply(for_codes, row, codes, starts[number], starts[number + 1], size, products)
            kept, own, best = counts[row], found[row], scores[row]
            for entry in range(starts[number], starts[number + 1]):
                score = products[entry - starts[number]]
                if score > -np.inf and (kept < depth or score >= best[0]):
                    kept = offer(own, best, kept, places[entry], score)
            counts[row] = kept
    return found
