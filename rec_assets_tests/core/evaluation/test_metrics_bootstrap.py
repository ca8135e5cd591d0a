"""Without these, intervals could be too narrow, and chance pass for progress."""

from math import sqrt
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.evaluation.metrics import (
    Interval,
    bootstrap_interval,
    difference_interval,
    hit_rate,
    hit_rate_interval,
    hits,
    mean_reciprocal_rank,
    paired_difference_interval,
    reciprocal_ranks,
)

SOME_RANKS = st.lists(st.integers(0, 200), min_size=1, max_size=300)
DRAW = np.random.default_rng(7)
RANKS = np.where(DRAW.random(1_000) < 0.3, DRAW.integers(1, 101, 1_000), 0)
OTHER_RANKS = np.where(DRAW.random(1_000) < 0.3, DRAW.integers(1, 101, 1_000), 0)
NORMAL = NormalDist().inv_cdf(0.975)
INTERVALS = [
    lambda values, **named: bootstrap_interval(values, **named),
    lambda values, **named: hit_rate_interval(values, k=100, **named),
    lambda values, **named: difference_interval(values, values, **named),
    lambda values, **named: paired_difference_interval(values, values, **named),
]


def half_width(interval: Interval) -> float:
    return (interval.high - interval.low) / 2


@settings(deadline=None)
@given(SOME_RANKS, st.integers(1, 300), st.integers(0, 2**32))
def test_the_interval_of_a_hit_rate_holds_it_and_stays_a_share(ranks: list[int], k: int, seed: int) -> None:
    interval = hit_rate_interval(np.array(ranks), k=k, resamples=500, seed=seed)

    assert 0 <= interval.low <= hit_rate(np.array(ranks), k=k) <= interval.high <= 1


@settings(deadline=None)
@given(SOME_RANKS, st.integers(1, 300), st.integers(0, 2**32))
def test_the_interval_of_a_mean_holds_it_and_stays_within_the_values(ranks: list[int], k: int, seed: int) -> None:
    values = reciprocal_ranks(np.array(ranks), k=k)
    interval = bootstrap_interval(values, resamples=500, seed=seed)

    assert values.min() <= interval.low <= interval.high <= values.max()
    assert interval.low - 1e-12 <= mean_reciprocal_rank(np.array(ranks), k=k) <= interval.high + 1e-12


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200), st.randoms())
def test_neither_the_order_of_values_nor_a_second_call_changes_an_interval(values: list[float], random) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)

    assert bootstrap_interval(np.array(shuffled), resamples=50) == bootstrap_interval(np.array(values), resamples=50)


def test_the_order_of_ranks_does_not_change_an_interval() -> None:
    order = np.argsort(RANKS)
    assert hit_rate_interval(RANKS[order], k=10) == hit_rate_interval(RANKS, k=10)
    assert bootstrap_interval(RANKS[order]) == bootstrap_interval(RANKS)


@pytest.mark.parametrize("interval", INTERVALS[:3])
def test_another_seed_draws_other_resamples(interval) -> None:
    # Hits are whole numbers, so that two seeds may agree by chance; ten do not.
    assert len({interval(RANKS, seed=seed) for seed in range(10)}) > 1


def test_two_values_give_the_interval_worked_out_by_hand() -> None:
    # Four equally likely resamples of (0, 1) have the means 0, 1/2, 1/2, 1: a quarter lies at either end.
    values = np.array([0, 1])

    for interval in (
        lambda level: bootstrap_interval(values, level=level),
        lambda level: hit_rate_interval(values, k=1, level=level),
    ):
        assert interval(0.95) == Interval(0, 1, 0.95)
        assert interval(0.55) == Interval(0, 1, 0.55)
        assert interval(0.45) == Interval(0.5, 0.5, 0.45)


@pytest.mark.parametrize("values", [np.array([7.3]), np.full(50, 0.1), np.full(5_000, 0.1)])
def test_one_playlist_or_equal_ones_give_an_interval_without_width(values: np.ndarray) -> None:
    assert bootstrap_interval(values) == Interval(values[0], values[0], 0.95)
    assert hit_rate_interval(np.array([4]), k=10) == Interval(1, 1, 0.95)
    assert hit_rate_interval(np.array([4]), k=3) == Interval(0, 0, 0.95)


@pytest.mark.parametrize("interval", INTERVALS)
@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"level": 0.0}, "level is 0.0"),
        ({"level": 1}, "level is 1"),
        ({"level": 95}, "level is 95"),
        ({"resamples": 0}, "resamples is 0"),
    ],
)
def test_levels_and_resamples_out_of_bounds_are_refused(interval, named, said) -> None:
    with pytest.raises(ValueError, match=said):
        interval(RANKS, **named)


@pytest.mark.parametrize("interval", INTERVALS)
def test_no_playlists_have_no_interval(interval) -> None:
    with pytest.raises(ValueError, match="no playlists"):
        interval(np.array([]))


@pytest.mark.parametrize("unusable", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_named_with_its_position(unusable: float) -> None:
    with pytest.raises(ValueError, match=f"position 2 is {unusable}"):
        bootstrap_interval(np.array([0.0, 1.0, unusable]))


def test_the_true_mean_lies_within_95_of_100_intervals() -> None:
    truth, draw = np.mean([1, 1 / 2, 1 / 3, 0]), np.random.default_rng(4)
    held = 0
    for seed in range(1_000):
        values = draw.choice([1, 1 / 2, 1 / 3, 0], size=200)
        interval = bootstrap_interval(values, resamples=500, seed=seed)
        held += interval.low <= truth <= interval.high

    assert 930 <= held <= 970


def test_the_truth_lies_within_as_many_intervals_as_the_level_says() -> None:
    draw = np.random.default_rng(5)
    intervals = [
        hit_rate_interval((draw.random(400) < 0.5).astype(int), k=1, level=0.6, seed=seed) for seed in range(500)
    ]

    assert sum(interval.low <= 0.5 <= interval.high for interval in intervals) == pytest.approx(300, abs=40)
    assert {interval.level for interval in intervals} == {0.6}


def test_the_difference_of_independent_samples_has_the_variance_of_both() -> None:
    first, second = reciprocal_ranks(RANKS, k=100), reciprocal_ranks(OTHER_RANKS[:400], k=100)
    interval = difference_interval(first, second, resamples=20_000)

    expected = NORMAL * sqrt(first.var() / len(first) + second.var() / len(second))
    assert half_width(interval) == pytest.approx(expected, rel=0.05)
    assert (interval.low + interval.high) / 2 == pytest.approx(first.mean() - second.mean(), abs=expected / 10)


def test_the_paired_difference_has_the_variance_of_the_differences() -> None:
    first = reciprocal_ranks(RANKS, k=100)
    second = np.where(np.arange(1_000) % 10 == 0, 0.05, first)
    interval = paired_difference_interval(first, second, resamples=20_000)

    expected = NORMAL * (first - second).std() / sqrt(1_000)
    assert half_width(interval) == pytest.approx(expected, rel=0.1)
    assert interval.low <= (first - second).mean() <= interval.high
    assert half_width(interval) < half_width(difference_interval(first, second)) / 2


def test_a_sample_against_itself_differs_when_independent_and_not_when_paired() -> None:
    found = hits(RANKS, k=100)

    assert paired_difference_interval(found, found) == Interval(0, 0, 0.95)
    interval = difference_interval(found, found)
    assert interval.low < 0 < interval.high


def test_pairs_of_unequal_length_are_refused_with_both_lengths() -> None:
    with pytest.raises(ValueError, match="pairs of 1000 and 999"):
        paired_difference_interval(RANKS, RANKS[1:])
