"""Without these, a figure by which models are chosen could be another than its name says."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rec_assets.core.evaluation.metrics import (
    catalog_coverage,
    greatest_share,
    hit_rate,
    hit_rates,
    hits,
    mean_reciprocal_rank,
    median_popularity,
    ndcg,
    tail_share,
)

RANKS = np.array([1, 3, 0, 10, 11])  # 0: not found
METRICS = [(hit_rate, "hit rate"), (mean_reciprocal_rank, "mean reciprocal rank"), (ndcg, "NDCG")]
SOME_RANKS = st.lists(st.integers(0, 200), min_size=1)
RECOMMENDED = np.array([4, 0, 3, 1, 2])  # ten recommendations
POPULARITY = np.array([90, 50, 20, 7, 7])
COUNTS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 9)), min_size=1, max_size=40).filter(
    lambda pairs: any(times for times, _ in pairs)
)


@pytest.mark.parametrize(
    ("k", "hits"),
    [(1, 1), (2, 1), (3, 2), (10, 3), (11, 4), (99, 4)],
)
def test_a_hit_is_a_rank_up_to_k_and_not_found_is_a_miss(k: int, hits: int) -> None:
    assert hit_rate(RANKS, k=k) == float(Fraction(hits, 5))


def test_hits_come_playlist_by_playlist() -> None:
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


def columns(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    recommended, popularity = zip(*pairs, strict=True)
    return np.array(recommended), np.array(popularity)


def test_coverage_counts_tracks_that_anybody_is_recommended() -> None:
    assert catalog_coverage(RECOMMENDED) == float(Fraction(4, 5))
    assert catalog_coverage(np.array([0, 0, 9])) == float(Fraction(1, 3))


def test_the_greatest_share_is_that_of_the_most_recommended_track() -> None:
    assert greatest_share(RECOMMENDED, playlists=5) == float(Fraction(4, 5))
    assert greatest_share(RECOMMENDED, playlists=4) == 1


def test_the_median_is_over_recommendations_and_not_over_tracks() -> None:
    # 7 7 7 20 20 20 90 90 90 90: the fifth and the sixth are both 20.
    assert median_popularity(RECOMMENDED, POPULARITY) == 20
    assert median_popularity(np.array([9, 1, 1]), np.array([3, 8, 8])) == 3


def test_the_median_of_an_even_number_is_the_lower_of_the_middle_two() -> None:
    assert median_popularity(np.array([1, 1]), np.array([80, 3])) == 3


@given(COUNTS)
def test_the_median_is_that_of_all_recommendations_written_out(pairs: list[tuple[int, int]]) -> None:
    recommended, popularity = columns(pairs)
    written_out = sorted(np.repeat(popularity, recommended).tolist())

    assert median_popularity(recommended, popularity) == written_out[(len(written_out) - 1) // 2]


@pytest.mark.parametrize(
    ("popularity", "outside"),
    [([90, 50, 20, 7, 7], 6), ([7, 7, 20, 50, 90], 8), ([7, 7, 7, 7, 7], 6), ([0, 0, 0, 9, 9], 9)],
)
def test_the_tail_is_what_goes_outside_the_most_popular_fifth(popularity: list[int], outside: int) -> None:
    assert tail_share(RECOMMENDED, np.array(popularity)) == float(Fraction(outside, 10))


def test_the_fifth_is_rounded_up() -> None:
    assert [tail_share(np.ones(tracks, int), np.arange(tracks)) for tracks in (1, 4, 6)] == [0, 3 / 4, 4 / 6]


@pytest.mark.parametrize("metric", [median_popularity, tail_share])
def test_nothing_recommended_is_an_error_and_not_zero(metric: Callable[..., float]) -> None:
    with pytest.raises(ValueError, match="nothing is recommended: the counts of all 5 tracks are 0"):
        metric(np.zeros(5, int), POPULARITY)
