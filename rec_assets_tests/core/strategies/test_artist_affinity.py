"""Without these, popularity and artist affinity could score otherwise than they say, and nobody would see it."""

from unittest.mock import patch

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.strategies import artist_affinity
from rec_assets.core.strategies.artist_affinity import ArtistAffinity
from rec_assets.core.strategies.popularity import Popularity
from rec_assets_tests.core.strategies import slow_strategies as slow
from rec_assets_tests.core.strategies.slow_strategies import World, check, lists_of, worlds

HALVING = st.sampled_from([(1.0, 1), (1.0, 2), (0.5, 1), (0.9, 3), (0.7, 50)])


def check_against_loop(world: World, *, tracks_per_artist: int, decay: float, length: int) -> None:
    expected = [
        slow.artist_affinity(world, history, tracks_per_artist=tracks_per_artist, decay=decay, length=length)
        for history in lists_of(world.histories)
    ]

    # With shares of 0, 1/2 and 1, equal scores are equal to the last bit.
    check(world, ArtistAffinity.fit(world.tracks).score(world.histories), expected, exact=decay == 1)


@settings(deadline=None, max_examples=30)
@given(worlds())
def test_popularity_is_by_count_and_never_what_training_lacks(world: World) -> None:
    scores = Popularity(world.tracks).score(world.histories)

    check(world, scores, [slow.popularity(world)] * len(world.histories), exact=True)


@settings(deadline=None, max_examples=80)
@given(worlds(), HALVING, st.integers(1, 4))
def test_artist_affinity_is_that_of_a_loop(world: World, halving: tuple[float, int], per_artist: int) -> None:
    decay, length = halving
    with patch.multiple(artist_affinity, _DECAY=decay, _LENGTH=length, _TRACKS_PER_ARTIST=per_artist):
        check_against_loop(world, tracks_per_artist=per_artist, decay=decay, length=length)


def test_the_constants_are_those_that_are_described() -> None:
    random = slow.random_world(tracks=300)
    # 150 tracks of each artist, and a history of 60.
    world = World.of([number % 2 for number in range(300)], lists_of(random.training), [list(range(60)), [7]])

    check_against_loop(world, tracks_per_artist=100, decay=0.9, length=50)


def test_a_track_that_training_lacks_is_no_answer_though_its_artist_is_known() -> None:
    world = World.of([0, 0, 0, 1], [[0, 0, 1, 3]], [[2]])

    rows = slow.answered(ArtistAffinity.fit(world.tracks).score(world.histories).top(4))

    assert world.tracks.track_index[rows[0]].tolist() == [0, 1]


def test_without_any_artist_there_is_no_answer() -> None:
    world = World.of([UNKNOWN_ARTIST] * 3, [[0, 1, 2]], [[0, 1], [2]])
    strategy = ArtistAffinity.fit(world.tracks)

    assert (strategy.score(world.histories).top(3).rows == slow.NO_TRACK).all()
    assert len(strategy.affinity(world.histories)) == 2
    assert strategy.score(world.histories).at(np.array([1]), np.array([2])).tolist() == [0]
