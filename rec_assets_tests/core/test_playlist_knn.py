"""Nearest-neighbour playlists against slow and obvious ones."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.strategies import PlaylistKnn
from rec_assets.core.strategies.playlist_knn import playlist_track_matrix
from rec_assets_tests.core import slow_strategies as slow
from rec_assets_tests.core.slow_strategies import SlowScores, World, check, lists_of, worlds

UNDAMPED = {"idf_power": 0.0, "length_damping": 0.0, "popularity_damping": 0.0}
DAMPED = {"idf_power": 2.0, "length_damping": 0.5, "popularity_damping": 0.25}


def slow_knn(world: World, **chosen) -> list[SlowScores]:
    return [slow.playlist_knn(world, history, **chosen) for history in lists_of(world.histories)]


@settings(deadline=None, max_examples=120)
@given(worlds(), st.integers(1, 5), st.integers(1, 7))
def test_it_is_exactly_that_of_a_loop(world: World, neighbours: int, length: int) -> None:
    chosen = {"neighbours": neighbours, "decay": 1.0, "length": length, **UNDAMPED}
    strategy = PlaylistKnn(world.tracks, world.training, **chosen)

    check(world, strategy.score(world.histories), slow_knn(world, **chosen), exact=True)


@settings(deadline=None, max_examples=60)
@given(worlds(), st.fixed_dictionaries({name: st.sampled_from([0.0, 0.25, 1.0, 2.0]) for name in UNDAMPED}))
def test_long_playlists_popular_tracks_and_what_is_long_ago_are_damped(world: World, damping: dict) -> None:
    chosen = {"neighbours": 100, "decay": 0.8, "length": 3, **damping}
    strategy = PlaylistKnn(world.tracks, world.training, **chosen)

    check(world, strategy.score(world.histories), slow_knn(world, **chosen), exact=False)


def test_the_defaults_are_those_that_are_described() -> None:
    world = slow.random_world(histories=3)
    long = World(world.tracks, world.training, slow.sequences_of([lists_of(world.training)[0] * 20]))
    for one in (world, long):
        expected = slow_knn(one, neighbours=1_000, decay=0.9, length=50, **DAMPED)
        check(one, PlaylistKnn(one.tracks, one.training).score(one.histories), expected, exact=False)


def test_a_thousand_playlists_are_near_the_rest_is_not_heard() -> None:
    world = World.of([0] * 1_201, [[0, track] for track in range(1, 1_201)], [[0]])

    rows = slow.answered(PlaylistKnn(world.tracks, world.training).score(world.histories).top(1_201))

    # All are as like; the first thousand playlists are taken.
    assert sorted(world.tracks.track_index[rows[0]].tolist()) == list(range(1_001))


def test_a_playlist_holds_a_track_once_and_keeps_its_order() -> None:
    playlists = slow.sequences_of([[3, 1, 3], [], [2]])

    matrix = playlist_track_matrix(playlists, 5)

    assert np.asarray(matrix.todense()).tolist() == [[0, 1, 0, 1, 0], [0] * 5, [0, 0, 1, 0, 0]]
    assert playlists.values.tolist() == [3, 1, 3, 2]
    assert playlists.offsets.tolist() == [0, 3, 3, 4]


def test_the_fiftieth_track_from_the_end_is_heard_the_one_before_it_is_not() -> None:
    world = World.of([0] * 6, [[0, 3], [1, 4], [2, 5]], [[2, 1, *[0] * 49]])

    rows = slow.answered(PlaylistKnn(world.tracks, world.training).score(world.histories).top(6))

    assert sorted(world.tracks.track_index[rows[0]].tolist()) == [0, 1, 3, 4]
