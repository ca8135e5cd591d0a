"""Without these, item neighbourhoods and sequential rules could count otherwise than they say, at a lower hit rate."""

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.strategies import cooccurrence, item_knn
from rec_assets.core.strategies.item_knn import ItemKnn, ItemKnnSettings, SequentialRules
from rec_assets_tests.core.strategies import slow_strategies as slow
from rec_assets_tests.core.strategies.slow_strategies import SlowScores, World, check, lists_of, worlds

# As few as one occurrence per block, so that blocks end between all tracks.
BLOCKS = st.sampled_from([1, 3, 8, 250_000])


def slow_item_knn(world: World, chosen: ItemKnnSettings) -> list[SlowScores]:
    def weight_at(step: int) -> float:
        return float(0 < abs(step) <= chosen.item_knn_window)

    return [
        slow.near_tracks(
            world,
            history,
            weight_at=weight_at,
            damping=chosen.item_knn_damping,
            kept=chosen.item_knn_neighbours,
            decay=chosen.item_knn_decay,
            length=chosen.item_knn_length,
        )
        for history in lists_of(world.histories)
    ]


def slow_rules(world: World, *, window: int = 10, rules: int = 200) -> list[SlowScores]:
    def weight_at(step: int) -> float:
        return 1 / step if 0 < step <= window else 0.0

    return [
        slow.near_tracks(world, history, weight_at=weight_at, damping=0, kept=rules, decay=1, length=1)
        for history in lists_of(world.histories)
    ]


@settings(deadline=None, max_examples=60)
@given(worlds(), BLOCKS, st.integers(1, 3), st.integers(1, 4), st.integers(1, 7))
def test_item_knn_is_exactly_that_of_a_loop(
    world: World, block: int, window: int, neighbours: int, length: int
) -> None:
    chosen = ItemKnnSettings(
        item_knn_window=window,
        item_knn_damping=0,
        item_knn_neighbours=neighbours,
        item_knn_decay=1,
        item_knn_length=length,
    )
    with patch.object(cooccurrence, "_BLOCK", block):
        strategy = ItemKnn.fit(world.tracks, world.training, chosen)

    check(world, strategy.score(world.histories), slow_item_knn(world, chosen), exact=True)


@settings(deadline=None, max_examples=30)
@given(worlds(), st.integers(1, 8), st.sampled_from([0.25, 0.5, 1.0]), st.sampled_from([0.5, 0.9]))
def test_item_knn_damps_popular_tracks_and_what_is_long_ago(
    world: World, window: int, damping: float, decay: float
) -> None:
    chosen = ItemKnnSettings(item_knn_window=window, item_knn_damping=damping, item_knn_decay=decay, item_knn_length=3)
    strategy = ItemKnn.fit(world.tracks, world.training, chosen)

    check(world, strategy.score(world.histories), slow_item_knn(world, chosen), exact=False)


@settings(deadline=None, max_examples=60)
@given(worlds(), BLOCKS, st.integers(1, 2), st.integers(1, 4))
def test_rules_are_exactly_those_of_a_loop(world: World, block: int, window: int, rules: int) -> None:
    with patch.object(cooccurrence, "_BLOCK", block), patch.multiple(item_knn, _RULES_WINDOW=window, _RULES=rules):
        strategy = SequentialRules.fit(world.tracks, world.training)

    check(world, strategy.score(world.histories), slow_rules(world, window=window, rules=rules), exact=True)


def test_the_defaults_and_constants_are_those_that_are_described() -> None:
    # Windows end within playlists, and a history is longer than 20 tracks.
    playlists = lists_of(slow.random_world(tracks=320, playlists=60, histories=1).training)
    playlists = [[*playlist, *range(n, 320, 9)] for n, playlist in enumerate(playlists)]
    world = World.of([0] * 320, playlists, [playlists[0][:30]])
    described = ItemKnnSettings(
        item_knn_window=10, item_knn_damping=0.25, item_knn_neighbours=200, item_knn_decay=0.9, item_knn_length=20
    )
    assert described == ItemKnnSettings()
    knn = ItemKnn.fit(world.tracks, world.training, ItemKnnSettings())

    check(world, knn.score(world.histories), slow_item_knn(world, described), exact=False)
    rules = SequentialRules.fit(world.tracks, world.training)
    check(world, rules.score(world.histories), slow_rules(world), exact=False)


def test_at_most_two_hundred_tracks_follow_one() -> None:
    world = World.of([0] * 401, [[400, *range(start, start + 10)] for start in range(0, 400, 10)], [[400]])

    strategy = SequentialRules.fit(world.tracks, world.training)

    assert len(slow.answered(strategy.score(world.histories).top(401))[0]) == 200


def test_the_most_similar_are_those_after_damping() -> None:
    # Track 0 meets the frequent track 1 twice, the rare track 2 once.
    world = World.of([0] * 3, [[0, 1], [0, 1], [0, 2], [1], [1], [1], [1], [1], [1]], [[0]])

    def nearest(damping: float) -> list[int]:
        chosen = ItemKnnSettings(item_knn_neighbours=1, item_knn_damping=damping)
        strategy = ItemKnn.fit(world.tracks, world.training, chosen)
        return world.tracks.track_index[slow.answered(strategy.score(world.histories).top(3))[0]].tolist()

    assert nearest(0) == [1]
    assert nearest(0.5) == [2]
