"""Without these, one history alone could be answered otherwise than in a batch, where scipy multiplies."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from rec_assets.core.strategies.sparse import entries, product


def made(draw: np.random.Generator, rows: int, columns: int, filled: float, *, lowest: float) -> csr_matrix:
    """Numbers of few digits, so that sums hit 0 and equal each other, in columns of no order."""
    dense = draw.random((rows, columns)) < filled
    dense = np.where(dense, np.round(draw.uniform(lowest, 1, (rows, columns)), 1), 0).astype(np.float32)
    matrix = csr_matrix(dense)
    for start, end in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        order = start + draw.permutation(end - start)
        matrix.indices[start:end], matrix.data[start:end] = matrix.indices[order], matrix.data[order]
    return matrix


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32), st.integers(0, 12), st.integers(0, 30), st.sampled_from([0.0, 0.2, 0.9]))
def test_the_product_of_one_row_is_scipys_to_the_last_bit_and_in_its_order(seed, inner, columns, filled) -> None:
    draw = np.random.default_rng(seed)
    right = made(draw, inner, columns, filled, lowest=-1)
    # A track may stand in a history twice.
    met = draw.integers(0, inner, draw.integers(0, 8) if inner else 0).astype(np.int32)
    weights = np.round(draw.uniform(-1, 1, len(met)), 1).astype(np.float32)
    left = csr_matrix((weights, met, [0, len(met)]), shape=(1, inner))

    found, expected = product(left, right), csr_matrix(left @ right)

    assert found.get_shape() == expected.get_shape()
    assert found.indices.tolist() == expected.indices.tolist()
    assert found.data.tobytes() == expected.data.tobytes()
    assert found.indptr.tolist() == expected.indptr.tolist()


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 5), st.integers(1, 20), st.integers(0, 40))
def test_entries_are_the_values_at_each_place_and_0_where_there_is_none(seed, rows, columns, asked) -> None:
    draw = np.random.default_rng(seed)
    matrix = made(draw, rows, columns, 0.4, lowest=0.1)
    row, column = draw.integers(0, rows, asked), draw.integers(0, columns, asked)

    assert entries(matrix, row, column).tolist() == matrix.toarray()[row, column].tolist()
