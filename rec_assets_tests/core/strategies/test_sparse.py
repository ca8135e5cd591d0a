"""Without these, the loops could multiply, pick or look up wrongly, or ties could depend on what else is asked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.strategies.sparse import SparseRows, SparseScores
from rec_assets_tests.core.small_models import sequences_of


def sparse(dense: np.ndarray) -> SparseRows:
    """Whole numbers, so that sums are exact in any order."""
    rows, columns = np.nonzero(dense)
    starts = np.searchsorted(rows, np.arange(len(dense) + 1))
    return SparseRows(starts, columns.astype(np.int32), dense[rows, columns].astype(np.float32), dense.shape[1])


def dense(rows: SparseRows) -> np.ndarray:
    full = np.zeros((len(rows), rows.width), np.float32)
    full[rows.owners(), rows.columns] = rows.values
    return full


def made(draw: np.random.Generator, rows: int, columns: int, lowest: int = 0) -> np.ndarray:
    return draw.integers(lowest, 4, (rows, columns)) * (draw.random((rows, columns)) < 0.4)


def best(scores: np.ndarray, depth: int) -> list[int]:
    """The obvious way: all columns, by falling score and then by number."""
    return sorted(range(len(scores)), key=lambda column: (-scores[column], column))[:depth]


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), most=st.sampled_from([None, 1, 3, 50]))
def test_a_product_keeps_the_highest_values_of_each_row(seed: int, most: int | None) -> None:
    draw = np.random.default_rng(seed)
    left, right = made(draw, 5, 7, lowest=-2), made(draw, 7, 9, lowest=-2)

    product = sparse(left).times(sparse(right), most)

    whole = left @ right
    if most is not None:
        for row in whole:
            candidates = np.where(row == 0, -np.inf, row)
            row[[column for column in range(9) if column not in best(candidates, most)]] = 0
    assert np.array_equal(dense(product), whole)
    assert len(set(zip(product.owners().tolist(), product.columns.tolist(), strict=True))) == len(product.columns)


def test_a_row_is_the_same_alone_and_among_others() -> None:
    draw = np.random.default_rng(0)
    left, right = sparse(draw.random((20, 30)) * (draw.random((20, 30)) < 0.3)), sparse(draw.random((30, 40)))
    together = left.times(right, 10)

    for row in range(20):
        alone = left.taken(np.array([row])).times(right, 10)
        part = slice(*together.starts[row : row + 2].tolist())
        assert alone.columns.tolist() == together.columns[part].tolist()
        assert alone.values.tobytes() == together.values[part].tobytes()


def test_an_entry_that_stands_twice_on_the_left_counts_twice() -> None:
    left = SparseRows(np.array([0, 2]), np.array([1, 1], np.int32), np.array([2, 3], np.float32), 2)

    assert dense(left.times(sparse(np.array([[0, 7], [1, 4]])))).tolist() == [[5, 20]]


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), depth=st.sampled_from([1, 4, 30]), above=st.sampled_from([0.0, -np.inf]))
def test_the_best_of_a_row_come_in_order_ties_by_the_lowest_column(seed: int, depth: int, above: float) -> None:
    draw = np.random.default_rng(seed)
    full = made(draw, 4, 20, lowest=-2)
    left_out = sequences_of(*draw.integers(20, size=(4, 3)).tolist())

    found = SparseScores(sparse(full), above).top(depth, left_out)

    for row, scores in enumerate(full):
        asked = [c for c in np.flatnonzero(scores) if scores[c] > above and c not in left_out.tracks_of(row)]
        expected = sorted(asked, key=lambda column: (-scores[column], column))[:depth]
        assert found.rows[row].tolist() == expected + [-1] * (depth - len(expected))
        assert found.scores[row].tolist() == [scores[c] for c in expected] + [-np.inf] * (depth - len(expected))


def test_values_are_looked_up_and_what_is_not_there_is_0() -> None:
    full = made(np.random.default_rng(1), 3, 6)
    rows, columns = np.repeat([0, 2], 6), np.tile(np.arange(6), 2)

    assert sparse(full).at(rows, columns).tolist() == full[rows, columns].tolist()


def test_sums_of_vectors_are_those_of_the_full_matrices() -> None:
    draw = np.random.default_rng(2)
    full, vectors = made(draw, 4, 6), draw.integers(9, size=(6, 3)).astype(np.float32)

    assert np.array_equal(sparse(full).times_vectors(vectors), full @ vectors)


@pytest.mark.parametrize("histories", [sequences_of(), sequences_of([])])
def test_nothing_has_no_answers(histories: FlatSequences) -> None:
    rows = SparseRows(histories.offsets, histories.values, np.empty(0, np.float32), 5)

    assert (SparseScores(rows.times(sparse(np.eye(5)))).top(3).rows == -1).all()
