"""Without these, a playlist could be counted in the wrong slice, and a collapse stay hidden in the mean."""

from dataclasses import astuple, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.evaluation.bootstrap import hit_rate_interval
from rec_assets.core.evaluation.slices import SliceRate, collapsed_slices, slice_rates

# A playlist each: rank, tracks before the target, count of the target, is the query cold, artist in the history.
PLAYLISTS = [
    (0, 1, 0, True, -1),
    (1, 4, 1, False, 1),
    (0, 5, 2, False, 0),
    (9, 19, 3, False, 1),
    (11, 20, 9, True, 0),
    (2, 49, 10, False, 1),
    (0, 50, 99, False, 0),
    (10, 99, 100, False, 1),
    (3, 100, 5_000, False, 1),
]
SOME_PLAYLISTS = st.lists(
    st.tuples(
        st.integers(0, 200), st.integers(1, 300), st.integers(0, 500), st.booleans(), st.sampled_from([-1, 0, 1])
    ),
    min_size=1,
    max_size=60,
)


def columns(playlists: list[tuple[int, int, int, bool, int]]) -> dict[str, np.ndarray]:
    rank, history_length, target_count, query_is_cold, same_artist = zip(*playlists, strict=True)
    return {
        "rank": np.array(rank, np.int32),
        "history_length": np.array(history_length),
        "target_count": np.array(target_count),
        "query_is_cold": np.array(query_is_cold),
        "same_artist": np.array(same_artist, np.int8),
    }


def rate_of(hit_rate: float, low: float, high: float, *, playlists: int = 100, value: str = "cold") -> SliceRate:
    return SliceRate("query", value, playlists, hit_rate, low, high)


def test_every_playlist_is_in_one_slice_of_each_kind_in_a_fixed_order() -> None:
    rates = slice_rates(columns(PLAYLISTS), k=10)

    assert [astuple(rate)[:4] for rate in rates] == [
        ("target popularity", "cold", 1, 0),
        ("target popularity", "1–2", 2, 1 / 2),
        ("target popularity", "3–9", 2, 1 / 2),
        ("target popularity", "10–99", 2, 1 / 2),
        ("target popularity", "100+", 2, 1),
        ("playlist length", "up to 5", 2, 1 / 2),
        ("playlist length", "6–20", 2, 1 / 2),
        ("playlist length", "21–50", 2, 1 / 2),
        ("playlist length", "51–100", 2, 1 / 2),
        ("playlist length", "101+", 1, 1),
        ("query", "cold", 2, 0),
        ("query", "warm", 7, 5 / 7),
        ("artist", "in the history", 5, 1),
        ("artist", "new", 3, 0),
        ("artist", "unknown", 1, 0),
    ]


def test_the_interval_of_a_slice_is_that_of_its_playlists_alone() -> None:
    table = columns(PLAYLISTS * 30)
    warm = next(rate for rate in slice_rates(table, k=10) if rate.value == "warm")

    interval = hit_rate_interval(table["rank"][~table["query_is_cold"]], k=10)
    assert (warm.low, warm.high) == (interval.low, interval.high)
    assert warm.low < warm.hit_rate < warm.high


@pytest.mark.parametrize(("same_artist", "slices"), [(1, [("artist", "in the history")]), (-1, [])])
def test_slices_without_playlists_and_artists_of_which_none_is_known_are_left_out(same_artist, slices) -> None:
    rates = slice_rates(columns([(1, 4, 1, False, same_artist)]), k=10)

    assert [(rate.slice, rate.value) for rate in rates] == [
        ("target popularity", "1–2"),
        ("playlist length", "up to 5"),
        ("query", "warm"),
        *slices,
    ]


@settings(deadline=None, max_examples=50)
@given(SOME_PLAYLISTS, st.integers(1, 200), st.randoms())
def test_slices_of_a_kind_add_up_to_the_whole_whatever_the_order(playlists, k: int, random) -> None:
    rates = slice_rates(columns(playlists), k=k)
    shuffled = list(playlists)
    random.shuffle(shuffled)

    assert slice_rates(columns(shuffled), k=k) == rates
    for kind in {rate.slice for rate in rates}:
        own = [rate for rate in rates if rate.slice == kind]
        assert sum(rate.playlists for rate in own) == len(playlists)
        hits = sum(1 <= playlist[0] <= k for playlist in playlists)
        assert sum(rate.playlists * rate.hit_rate for rate in own) == pytest.approx(hits)


def test_a_collapse_has_both_figures() -> None:
    before, now = rate_of(0.31, 0.22, 0.40), rate_of(0.1, 0.05, 0.16, playlists=130)

    assert collapsed_slices([before], [now], max_fall=0.1, min_playlists=50) == [
        "query cold: 0.310 (of 100 playlists) before, 0.100 (of 130) now"
    ]


@pytest.mark.parametrize(
    ("before", "now", "collapsed"),
    [
        (rate_of(0.4, 0.39, 0.41), rate_of(0.2, 0.19, 0.21), True),
        (rate_of(0.4, 0.39, 0.41), rate_of(0.3, 0.29, 0.31), False),  # by 0.1, and in binary by a little more
        (rate_of(0.4, 0.39, 0.41), rate_of(0.299, 0.29, 0.31), True),
        (rate_of(0.4, 0.30, 0.50), rate_of(0.2, 0.10, 0.30), False),  # intervals touch
        (rate_of(0.2, 0.19, 0.21), rate_of(0.4, 0.39, 0.41), False),  # it rose
        (rate_of(0.4, 0.39, 0.41, playlists=49), rate_of(0.2, 0.19, 0.21), False),
        (rate_of(0.4, 0.39, 0.41), rate_of(0.2, 0.19, 0.21, playlists=49), False),
        (rate_of(0.4, 0.39, 0.41, playlists=50), rate_of(0.2, 0.19, 0.21, playlists=50), True),
        (rate_of(0.4, 0.39, 0.41, value="warm"), rate_of(0.2, 0.19, 0.21), False),  # another slice
    ],
)
def test_a_collapse_is_a_large_fall_that_chance_does_not_explain(before, now, collapsed: bool) -> None:
    assert bool(collapsed_slices([before], [now], max_fall=0.1, min_playlists=50)) is collapsed


def test_collapses_stand_in_the_order_of_the_slices() -> None:
    before = [rate_of(0.4, 0.39, 0.41), rate_of(0.5, 0.49, 0.51, value="warm")]
    now = [replace(rate, hit_rate=0.1, low=0.09, high=0.11) for rate in before]

    collapses = collapsed_slices(before[::-1], now, max_fall=0.1, min_playlists=1)
    assert [collapse.split(":")[0] for collapse in collapses] == ["query cold", "query warm"]


def test_equal_runs_have_no_collapse() -> None:
    rates = slice_rates(columns(PLAYLISTS), k=10)

    assert collapsed_slices(rates, rates, max_fall=0, min_playlists=1) == []
