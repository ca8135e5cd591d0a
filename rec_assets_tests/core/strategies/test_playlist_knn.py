"""Without these, nearest-neighbour playlists could be weighed otherwise than they say, at a lower hit rate."""

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.strategies import playlist_knn, sparse_loops
from rec_assets.core.strategies.playlist_knn import PlaylistKnn, PlaylistKnnSettings
from rec_assets_tests.core.strategies import slow_strategies as slow
from rec_assets_tests.core.strategies.slow_strategies import World, check, lists_of, worlds

DAMPING = ("idf_power", "length_damping", "popularity_damping")


def settings_of(**chosen: float) -> PlaylistKnnSettings:
    return PlaylistKnnSettings(**{f"playlist_knn_{name}": value for name, value in chosen.items()})


def check_against_loop(world: World, *, neighbours: int, length: int, exact: bool, **chosen: float) -> None:
    with patch.multiple(playlist_knn, _NEIGHBOURS=neighbours, _LENGTH=length):
        scores = PlaylistKnn.fit(world.tracks, world.training, settings_of(**chosen)).score(world.histories)
    expected = [
        slow.playlist_knn(world, history, neighbours=neighbours, length=length, **chosen)
        for history in lists_of(world.histories)
    ]
    check(world, scores, expected, exact=exact)


@settings(deadline=None, max_examples=60)
@given(worlds(), st.integers(1, 5), st.integers(1, 7))
def test_it_is_exactly_that_of_a_loop(world: World, neighbours: int, length: int) -> None:
    undamped = dict.fromkeys(DAMPING, 0.0)
    check_against_loop(
        world, neighbours=neighbours, length=length, exact=True, decay=1.0, distance_decay=1.0, **undamped
    )


@settings(deadline=None, max_examples=40)
@given(worlds(), st.fixed_dictionaries({name: st.sampled_from([0.0, 0.25, 1.0, 2.0]) for name in DAMPING}))
def test_long_and_popular_and_long_ago_and_far_is_damped(world: World, damping: dict) -> None:
    check_against_loop(world, neighbours=100, length=3, exact=False, decay=0.8, distance_decay=0.7, **damping)


def test_the_defaults_are_those_that_are_described() -> None:
    described = {
        **{"decay": 0.95, "distance_decay": 0.9, "idf_power": 2.0},
        **{"length_damping": 0.5, "popularity_damping": 0.25},
    }

    assert settings_of(**described) == PlaylistKnnSettings()


def test_two_hundred_playlists_are_near_the_rest_is_not_heard() -> None:
    world = World.of([0] * 301, [[0, track] for track in range(1, 301)], [[0]])
    strategy = PlaylistKnn.fit(world.tracks, world.training, PlaylistKnnSettings())

    rows = slow.answered(strategy.score(world.histories).top(301))

    # All are as like; the first two hundred playlists are taken.
    assert sorted(world.tracks.track_index[rows[0]].tolist()) == list(range(1, 201))


def test_the_fiftieth_track_from_the_end_is_heard_the_one_before_it_is_not() -> None:
    world = World.of([0] * 6, [[0, 3], [1, 4], [2, 5]], [[2, 1, *[0] * 49]])
    strategy = PlaylistKnn.fit(world.tracks, world.training, PlaylistKnnSettings())

    rows = slow.answered(strategy.score(world.histories).top(6))

    assert sorted(world.tracks.track_index[rows[0]].tolist()) == [3, 4]


def test_popular_tracks_and_long_playlists_cost_no_more_than_a_bound() -> None:
    playlists = [[0, 1], [0, 2], [0, 3], [4, 5, 6, 7]]
    world = World.of([0] * 8, playlists, [[0], [7], [4]])
    with patch.multiple(playlist_knn, _READ=2, _LONGEST=3):
        strategy = PlaylistKnn.fit(world.tracks, world.training, PlaylistKnnSettings())
        rows = slow.answered(strategy.score(world.histories).top(8))

    heard = [sorted(world.tracks.track_index[row].tolist()) for row in rows]
    assert heard == [[1, 2], [5, 6], []]
    assert strategy.held_together(int(world.tracks.row_of[0]), world.tracks.row_of[[0, 3]]).tolist() == [3, 1]


def test_playlists_that_hold_two_tracks_are_counted() -> None:
    world = World.of([0] * 3, [[0, 1], [1, 0, 0], [1, 2], [0]], [[0]])
    strategy = PlaylistKnn.fit(world.tracks, world.training, PlaylistKnnSettings())
    row_of = world.tracks.row_of

    assert strategy.held_together(int(row_of[0]), row_of[[0, 1, 2]]).tolist() == [3, 2, 0]


def test_a_playlist_holds_a_track_once_and_a_track_its_playlists_in_order() -> None:
    playlists = slow.sequences_of([[3, 1, 3], [], [2, 1]])

    held, starts = sparse_loops.distinct(playlists.values, playlists.offsets, 5, 3)
    begins, holders = sparse_loops.transposed(starts, held, 5)

    assert (held.tolist(), starts.tolist()) == ([3, 1, 2, 1], [0, 2, 2, 4])
    assert (holders.tolist(), begins.tolist()) == ([0, 2, 2, 0], [0, 0, 2, 3, 4, 4])
