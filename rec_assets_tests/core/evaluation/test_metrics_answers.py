"""Without these, coverage, share and popularity of what is recommended could be counted wrongly."""

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rec_assets.core.evaluation.metrics import catalog_coverage, greatest_share, median_popularity, tail_share

RECOMMENDED = np.array([4, 0, 3, 1, 2])  # ten recommendations
POPULARITY = np.array([90, 50, 20, 7, 7])
COUNTS = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 9)), min_size=1, max_size=40).filter(
    lambda pairs: any(times for times, _ in pairs)
)


def columns(pairs: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    recommended, popularity = zip(*pairs, strict=True)
    return np.array(recommended), np.array(popularity)


def test_coverage_counts_tracks_that_anybody_is_recommended() -> None:
    assert catalog_coverage(RECOMMENDED) == float(Fraction(4, 5))
    assert catalog_coverage(np.array([0, 0, 9])) == float(Fraction(1, 3))


def test_the_greatest_share_is_that_of_the_most_recommended_track() -> None:
    assert greatest_share(RECOMMENDED, playlists=5) == float(Fraction(4, 5))
    assert greatest_share(RECOMMENDED, playlists=4) == 1


@pytest.mark.parametrize(("playlists", "said"), [(3, "4 of 3 playlists"), (0, "4 of 0 playlists")])
def test_no_track_is_recommended_to_more_playlists_than_there_are(playlists: int, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        greatest_share(RECOMMENDED, playlists=playlists)


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
    ("head_share", "outside"),
    [(0.2, 6), (0.4, 6), (0.41, 3), (0.6, 3), (0.8, 2), (0.99, 0), (0.001, 6)],
)
def test_the_tail_is_what_goes_outside_the_most_popular_tracks(head_share: float, outside: int) -> None:
    assert tail_share(RECOMMENDED, POPULARITY, head_share=head_share) == float(Fraction(outside, 10))


def test_the_head_is_the_most_popular_fifth_wherever_those_tracks_stand() -> None:
    assert tail_share(RECOMMENDED[::-1], POPULARITY[::-1]) == tail_share(RECOMMENDED, POPULARITY) == 0.6


def test_of_equally_popular_tracks_those_that_stand_first_are_the_head() -> None:
    assert tail_share(np.array([1, 2, 4, 8, 16]), np.full(5, 7), head_share=0.4) == float(Fraction(28, 31))


def test_the_head_has_the_size_of_the_decimal_that_was_typed() -> None:
    # In binary, 0.07 of 100 tracks is a little above 7, and the head would have 8.
    assert tail_share(np.ones(100, int), np.arange(100), head_share=0.07) == 0.93


@given(COUNTS, st.floats(0.01, 0.99))
def test_shares_are_shares_and_a_larger_head_leaves_no_larger_tail(pairs: list[tuple[int, int]], share: float) -> None:
    recommended, popularity = columns(pairs)

    assert 0 < catalog_coverage(recommended) <= 1
    assert 0 < greatest_share(recommended, playlists=20) <= 1
    wide, narrow = (tail_share(recommended, popularity, head_share=value) for value in (share, share / 2))
    assert 0 <= wide <= narrow <= 1


@pytest.mark.parametrize("head_share", [0.0, 1.0, 20])
def test_a_head_of_nothing_or_of_everything_is_refused(head_share: float) -> None:
    with pytest.raises(ValueError, match=f"head_share is {head_share}"):
        tail_share(RECOMMENDED, POPULARITY, head_share=head_share)


@pytest.mark.parametrize(
    "metric",
    [
        catalog_coverage,
        lambda recommended: greatest_share(recommended, playlists=9),
        lambda recommended: median_popularity(recommended, POPULARITY[: len(recommended)]),
        lambda recommended: tail_share(recommended, POPULARITY[: len(recommended)]),
    ],
)
def test_counts_that_are_none_are_refused(metric: Callable[[np.ndarray], float]) -> None:
    with pytest.raises(ValueError, match="nothing is recommended: the counts of all 5 tracks are 0"):
        metric(np.zeros(5, int))
    with pytest.raises(ValueError, match="all 0 tracks"):
        metric(np.array([], int))
    with pytest.raises(ValueError, match="track 1 is recommended -2 times"):
        metric(np.array([1, -2]))


@pytest.mark.parametrize("metric", [median_popularity, tail_share])
def test_popularity_of_other_tracks_is_refused(metric: Callable[[np.ndarray, np.ndarray], float]) -> None:
    with pytest.raises(ValueError, match="counts of 5 tracks, popularity of 4"):
        metric(RECOMMENDED, POPULARITY[:4])
