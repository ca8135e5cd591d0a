"""Loops behind products of vectors, compiled."""

import numpy as np

from rec_assets.core.base.compiled import compiled_in_any_order


@compiled_in_any_order
def multiply(
    vectors: np.ndarray, row: int, others: np.ndarray, first: int, last: int, size: int, products: np.ndarray
) -> None:
    """Writes the products of one ``row`` of ``vectors`` with those of ``others`` from ``first`` to before ``last``.

    Of both sides the first ``size`` numbers count; ``others`` may be integers. Four are multiplied at once, since each
    waits long for its sum.
    """
    other = first
    while other + 4 <= last:
        one, two, three, four = np.float32(0), np.float32(0), np.float32(0), np.float32(0)
        for x in range(size):
            one += vectors[row, x] * np.float32(others[other, x])
            two += vectors[row, x] * np.float32(others[other + 1, x])
            three += vectors[row, x] * np.float32(others[other + 2, x])
            four += vectors[row, x] * np.float32(others[other + 3, x])
        place = other - first
        products[place], products[place + 1], products[place + 2], products[place + 3] = one, two, three, four
        other += 4
    while other < last:
        one = np.float32(0)
        for x in range(size):
            one += vectors[row, x] * np.float32(others[other, x])
        products[other - first] = one
        other += 1


@compiled_in_any_order
def multiply_pairs(
    queries: tuple[np.ndarray, np.ndarray],
    vectors: tuple[np.ndarray, np.ndarray],
    history: np.ndarray,
    rows: np.ndarray,
) -> np.ndarray:
    """(c,) float32 product of the query of each ``history`` (c,) with the vector of each of ``rows`` (c,), NaN = none.

    ``queries`` are (m, d), and (m,) whether there is one; ``vectors`` are (n, d), and (t,) which of them is each row's,
    below 0 = none.
    """
    products = np.full(len(rows), np.float32(np.nan))
    for number in range(len(rows)):
        asked, place = history[number], vectors[1][rows[number]]
        if queries[1][asked] and place >= 0:
            product = np.float32(0)
            for x in range(queries[0].shape[1]):
                product += queries[0][asked, x] * vectors[0][place, x]
            products[number] = product
    return products
