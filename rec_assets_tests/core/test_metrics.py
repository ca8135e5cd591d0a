"""Metrics against results worked out by hand."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rec_assets.core.metrics import hit_rate, hit_rates

RANKS = np.array([1, 3, 0, 10, 11])  # 0: not found


@pytest.mark.parametrize(
    ("k", "hits"),
    [(1, 1), (2, 1), (3, 2), (10, 3), (11, 4), (99, 4)],
)
def test_a_hit_is_a_rank_up_to_k_and_not_found_is_a_miss(k: int, hits: int) -> None:
    assert hit_rate(RANKS, k=k) == float(Fraction(hits, 5))


def test_the_rate_of_nothing_is_an_error_and_not_zero() -> None:
    with pytest.raises(ValueError, match="no playlists"):
        hit_rate(np.array([]), k=10)


def test_k_below_one_is_an_error() -> None:
    with pytest.raises(ValueError, match="k is 0"):
        hit_rate(RANKS, k=0)


def test_the_curve_has_the_round_values_below_k_and_k_itself() -> None:
    assert hit_rates(RANKS, k=30) == {1: 0.2, 2: 0.2, 5: 0.4, 10: 0.6, 20: 0.8, 30: 0.8}


@given(st.lists(st.integers(0, 200), min_size=1), st.integers(1, 1000))
def test_rates_are_shares_that_never_fall_as_k_grows(ranks: list[int], k: int) -> None:
    rates = list(hit_rates(np.array(ranks), k=k).values())

    assert rates == sorted(rates)
    assert rates[0] >= 0
    assert rates[-1] <= 1
