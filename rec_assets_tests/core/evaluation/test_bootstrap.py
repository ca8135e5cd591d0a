"""Without these, intervals could be too narrow, and chance pass for progress; or drawing them fill the memory."""

import tracemalloc
from math import sqrt
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.evaluation import bootstrap
from rec_assets.core.evaluation.bootstrap import (
    Interval,
    bootstrap_interval,
    difference_interval,
    hit_rate_interval,
    paired_difference_interval,
)
from rec_assets.core.evaluation.metrics import hit_rate, hits

SOME_RANKS = st.lists(st.integers(0, 200), min_size=1, max_size=300)
DRAW = np.random.default_rng(7)
RANKS = np.where(DRAW.random(1_000) < 0.3, DRAW.integers(1, 101, 1_000), 0)
OTHER_RANKS = np.where(DRAW.random(1_000) < 0.3, DRAW.integers(1, 101, 1_000), 0)
NORMAL = NormalDist().inv_cdf(0.975)
INTERVALS = [
    bootstrap_interval,
    lambda values: hit_rate_interval(values, k=100),
    lambda values: difference_interval(values, values),
    lambda values: paired_difference_interval(values, values),
]


def reciprocal_ranks(ranks: np.ndarray) -> np.ndarray:
    return np.where(ranks > 0, 1 / np.maximum(ranks, 1), 0.0)


def half_width(interval: Interval) -> float:
    return (interval.high - interval.low) / 2


@settings(deadline=None)
@given(SOME_RANKS, st.integers(1, 300))
def test_the_interval_of_a_hit_rate_holds_it_and_stays_a_share(ranks: list[int], k: int) -> None:
    interval = hit_rate_interval(np.array(ranks), k=k)

    assert 0 <= interval.low <= hit_rate(np.array(ranks), k=k) <= interval.high <= 1


@settings(deadline=None)
@given(SOME_RANKS)
def test_the_interval_of_a_mean_holds_it_and_stays_within_the_values(ranks: list[int]) -> None:
    values = reciprocal_ranks(np.array(ranks))
    interval = bootstrap_interval(values, resamples=500)

    assert values.min() <= interval.low <= interval.high <= values.max()
    assert interval.low - 1e-12 <= values.mean() <= interval.high + 1e-12


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=200), st.randoms())
def test_neither_the_order_of_values_nor_a_second_call_changes_an_interval(values: list[float], random) -> None:
    shuffled = list(values)
    random.shuffle(shuffled)

    assert bootstrap_interval(np.array(shuffled), resamples=50) == bootstrap_interval(np.array(values), resamples=50)


def test_two_values_give_the_interval_worked_out_by_hand() -> None:
    # Four equally likely resamples of (0, 1) have the means 0, 1/2, 1/2, 1: a quarter lies at either end.
    values = np.array([0, 1])

    assert hit_rate_interval(values, k=1) == Interval(0, 1, 0.95)
    assert bootstrap_interval(values, level=0.55) == Interval(0, 1, 0.55)
    assert bootstrap_interval(values, level=0.45) == Interval(0.5, 0.5, 0.45)


@pytest.mark.parametrize("values", [np.array([7.3]), np.full(50, 0.1), np.full(5_000, 0.1)])
def test_one_playlist_or_equal_ones_give_an_interval_without_width(values: np.ndarray) -> None:
    assert bootstrap_interval(values) == Interval(values[0], values[0], 0.95)
    assert hit_rate_interval(np.array([4]), k=10) == Interval(1, 1, 0.95)
    assert hit_rate_interval(np.array([4]), k=3) == Interval(0, 0, 0.95)


@pytest.mark.parametrize("interval", INTERVALS)
def test_no_playlists_have_no_interval(interval) -> None:
    with pytest.raises(ValueError, match="no playlists"):
        interval(np.array([]))


def test_the_true_mean_lies_within_95_of_100_intervals() -> None:
    truth, draw = np.mean([1, 1 / 2, 1 / 3, 0]), np.random.default_rng(4)
    held = 0
    for _ in range(1_000):
        values = draw.choice([1, 1 / 2, 1 / 3, 0], size=200)
        interval = bootstrap_interval(values, resamples=500)
        held += interval.low <= truth <= interval.high

    assert 930 <= held <= 970


def test_the_truth_lies_within_as_many_intervals_as_the_level_says() -> None:
    draw = np.random.default_rng(5)
    intervals = [bootstrap_interval(draw.random(400) < 0.5, level=0.6) for _ in range(500)]

    assert sum(interval.low <= 0.5 <= interval.high for interval in intervals) == pytest.approx(300, abs=40)
    assert {interval.level for interval in intervals} == {0.6}


def test_the_difference_of_independent_samples_has_the_variance_of_both() -> None:
    first, second = reciprocal_ranks(RANKS), reciprocal_ranks(OTHER_RANKS[:400])
    interval = difference_interval(first, second)

    expected = NORMAL * sqrt(first.var() / len(first) + second.var() / len(second))
    assert half_width(interval) == pytest.approx(expected, rel=0.05)
    assert (interval.low + interval.high) / 2 == pytest.approx(first.mean() - second.mean(), abs=expected / 10)


def test_the_paired_difference_has_the_variance_of_the_differences() -> None:
    first = reciprocal_ranks(RANKS)
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


def by_index(values: np.ndarray, resamples: int) -> np.ndarray:
    """The means of resamples as the textbook draws them: whole samples, one by one."""
    draw = np.random.default_rng(99)
    return np.array([values[draw.integers(len(values), size=len(values))].mean() for _ in range(resamples)])


def middle(means: np.ndarray) -> list[float]:
    return np.quantile(means, [0.025, 0.975]).tolist()


def test_the_binomial_draw_of_hits_is_distributed_as_resamples_of_playlists() -> None:
    drawn = by_index(hits(RANKS, k=50), 20_000)

    # A standard deviation is 11 hits; the two agree to two.
    interval = hit_rate_interval(RANKS, k=50)
    assert [interval.low, interval.high] == pytest.approx(middle(drawn), abs=2.001 / len(RANKS))


def test_means_are_drawn_as_by_resamples_of_playlists() -> None:
    values = reciprocal_ranks(RANKS)
    means = bootstrap.resampled_means(values, 10_000, np.random.default_rng(0))
    expected = by_index(values, 10_000)

    deviation = values.std() / sqrt(len(values))
    assert means.mean() == pytest.approx(values.mean(), abs=4 * deviation / sqrt(10_000))
    assert means.std() == pytest.approx(deviation, rel=0.03)
    assert middle(means) == pytest.approx(middle(expected), abs=0.15 * deviation)


@pytest.mark.parametrize("cells", [1, 7_000, 10**9])
def test_drawing_in_chunks_changes_no_draw(monkeypatch: pytest.MonkeyPatch, cells: int) -> None:
    def means() -> list[float]:
        return bootstrap.resampled_means(RANKS, 101, np.random.default_rng(0)).tolist()

    expected = means()
    monkeypatch.setattr(bootstrap, "CHUNK_CELLS", cells)

    assert len(expected) == 101
    assert means() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("distinct", [100, 70_000])
def test_memory_stays_bounded_at_full_size(distinct: int) -> None:
    values = np.arange(70_000) % distinct / distinct
    tracemalloc.start()
    bootstrap_interval(values, resamples=100)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 32e6  # 100 resamples of 70,000 indexes at once would be 56 MB, and as much again for the values
