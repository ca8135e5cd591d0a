"""Without these, a figure by which models are chosen could be another than its name says."""

import math
from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rec_assets.core.evaluation.metrics import (
    discounted_gains,
    hit_rate,
    hit_rates,
    hits,
    mean_reciprocal_rank,
    ndcg,
    reciprocal_ranks,
)

RANKS = np.array([1, 3, 0, 10, 11])  # 0: not found
METRICS = [(hit_rate, "hit rate"), (mean_reciprocal_rank, "mean reciprocal rank"), (ndcg, "NDCG")]
SOME_RANKS = st.lists(st.integers(0, 200), min_size=1)


@pytest.mark.parametrize(
    ("k", "hits"),
    [(1, 1), (2, 1), (3, 2), (10, 3), (11, 4), (99, 4)],
)
def test_a_hit_is_a_rank_up_to_k_and_not_found_is_a_miss(k: int, hits: int) -> None:
    assert hit_rate(RANKS, k=k) == float(Fraction(hits, 5))


def test_hits_are_told_playlist_by_playlist() -> None:
    assert hits(RANKS, k=10).tolist() == [True, True, False, True, False]


@pytest.mark.parametrize(
    ("k", "total"),
    [
        (1, Fraction(1)),
        (2, Fraction(1)),
        (3, Fraction(4, 3)),
        (10, Fraction(4, 3) + Fraction(1, 10)),
        (11, Fraction(4, 3) + Fraction(1, 10) + Fraction(1, 11)),
    ],
)
def test_the_reciprocal_of_the_rank_counts_up_to_k(k: int, total: Fraction) -> None:
    assert mean_reciprocal_rank(RANKS, k=k) == pytest.approx(float(total / 5), rel=1e-15)


def test_gain_is_discounted_by_the_logarithm_of_the_place() -> None:
    ranks = np.array([1, 3, 7, 15, 0], np.int32)  # 1 / log2(1 + rank) is 1, 1/2, 1/3, 1/4

    assert discounted_gains(ranks, k=15).tolist() == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 0])
    assert ndcg(ranks, k=15) == pytest.approx(float(Fraction(25, 12) / 5))
    assert ndcg(ranks, k=14) == pytest.approx(float(Fraction(11, 6) / 5))
    assert ndcg(ranks, k=2) == pytest.approx(1 / 5)


@pytest.mark.parametrize(("metric", "name"), METRICS)
def test_the_metric_of_nothing_is_an_error_and_not_zero(metric: Callable[..., float], name: str) -> None:
    with pytest.raises(ValueError, match=f"the {name} of no playlists"):
        metric(np.array([]), k=10)


@pytest.mark.parametrize("metric", [metric for metric, _ in METRICS])
def test_k_below_one_is_an_error(metric: Callable[..., float]) -> None:
    with pytest.raises(ValueError, match="k is 0"):
        metric(RANKS, k=0)


def test_the_curve_has_the_round_values_below_k_and_k_itself() -> None:
    assert hit_rates(RANKS, k=30) == {1: 0.2, 2: 0.2, 5: 0.4, 10: 0.6, 20: 0.8, 30: 0.8}


@given(SOME_RANKS, st.integers(1, 1000))
def test_rates_are_shares_that_never_fall_as_k_grows(ranks: list[int], k: int) -> None:
    rates = list(hit_rates(np.array(ranks), k=k).values())

    assert rates == sorted(rates)
    assert rates[0] >= 0
    assert rates[-1] <= 1


@given(SOME_RANKS, st.integers(1, 1000))
def test_a_better_place_never_counts_less_and_a_hit_never_more_than_one(ranks: list[int], k: int) -> None:
    every, first = np.array(ranks), np.array([min(rank, 1) for rank in ranks])

    assert 0 <= mean_reciprocal_rank(every, k=k) <= ndcg(every, k=k) <= hit_rate(every, k=k) <= 1
    assert mean_reciprocal_rank(first, k=k) == ndcg(first, k=k) == hit_rate(first, k=k)


@given(SOME_RANKS, st.randoms())
def test_the_order_of_playlists_does_not_change_the_last_bit(ranks: list[int], random) -> None:
    shuffled = list(ranks)
    random.shuffle(shuffled)

    for metric, _ in METRICS:
        assert metric(np.array(shuffled), k=100) == metric(np.array(ranks), k=100)


def test_values_of_playlists_are_those_that_are_averaged() -> None:
    assert math.fsum(reciprocal_ranks(RANKS, k=10)) / 5 == mean_reciprocal_rank(RANKS, k=10)
    assert math.fsum(discounted_gains(RANKS, k=10)) / 5 == ndcg(RANKS, k=10)
