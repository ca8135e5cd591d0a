"""Item neighbourhoods and sequential rules against slow and obvious ones."""

from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.strategies import ItemKnn, SequentialRules, cooccurrence
from rec_assets_tests.core import slow_strategies as slow
from rec_assets_tests.core.slow_strategies import SlowScores, World, check, lists_of, worlds

# As few as one occurrence per block, so that blocks end between all tracks.
BLOCKS = st.sampled_from([1, 3, 8, 250_000])


def slow_item_knn(
    world: World,
    *,
    window: int = 10,
    damping: float = 0.25,
    neighbours: int = 200,
    decay: float = 0.9,
    length: int = 20,
) -> list[SlowScores]:
    def weight_at(step: int) -> float:
        return float(0 < abs(step) <= window)

    return [
        slow.near_tracks(
            world, history, weight_at=weight_at, damping=damping, kept=neighbours, decay=decay, length=length
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


@settings(deadline=None, max_examples=100)
@given(worlds(), BLOCKS, st.integers(1, 3), st.integers(1, 4), st.integers(1, 7))
def test_item_knn_is_exactly_that_of_a_loop(
    world: World, block: int, window: int, neighbours: int, length: int
) -> None:
    chosen = {"window": window, "damping": 0.0, "neighbours": neighbours, "decay": 1.0, "length": length}
    with patch.object(cooccurrence, "_BLOCK", block):
        strategy = ItemKnn(world.tracks, world.training, **chosen)

    check(world, strategy.score(world.histories), slow_item_knn(world, **chosen), exact=True)


@settings(deadline=None, max_examples=60)
@given(worlds(), BLOCKS, st.integers(1, 8), st.sampled_from([0.25, 0.5, 1.0]), st.sampled_from([0.5, 0.9]))
def test_item_knn_damps_popular_tracks_and_what_is_long_ago(
    world: World, block: int, window: int, damping: float, decay: float
) -> None:
    chosen = {"window": window, "damping": damping, "decay": decay, "length": 3}
    with patch.object(cooccurrence, "_BLOCK", block):
        strategy = ItemKnn(world.tracks, world.training, **chosen)

    check(world, strategy.score(world.histories), slow_item_knn(world, **chosen), exact=False)


@settings(deadline=None, max_examples=100)
@given(worlds(), BLOCKS, st.integers(1, 2), st.integers(1, 4))
def test_rules_are_exactly_those_of_a_loop(world: World, block: int, window: int, rules: int) -> None:
    with patch.object(cooccurrence, "_BLOCK", block):
        strategy = SequentialRules(world.tracks, world.training, window=window, rules=rules)

    check(world, strategy.score(world.histories), slow_rules(world, window=window, rules=rules), exact=True)


def test_the_defaults_are_those_that_are_described() -> None:
    world = slow.random_world(tracks=320, playlists=200, histories=4)
    # Long playlists, so that windows end and neighbours are left out; a history longer than `length`.
    longer = slow.sequences_of([[*lists_of(world.training)[n], *range(n, 320, 9)] for n in range(60)])
    longer = World.of([0] * 320, lists_of(longer), [lists_of(longer)[0][:30]])
    for one in (world, longer):
        check(one, ItemKnn(one.tracks, one.training).score(one.histories), slow_item_knn(one), exact=False)
        check(one, SequentialRules(one.tracks, one.training).score(one.histories), slow_rules(one), exact=False)


def test_at_most_two_hundred_tracks_are_near_one() -> None:
    world = World.of([0] * 401, [[400, *range(start, start + 10)] for start in range(0, 400, 10)], [[400]])
    for strategy in (ItemKnn(world.tracks, world.training), SequentialRules(world.tracks, world.training)):
        assert len(slow.answered(strategy.score(world.histories).top(401))[0]) == 200


def test_the_most_similar_are_those_after_damping() -> None:
    # Track 0 meets the frequent track 1 twice, the rare track 2 once.
    world = World.of([0] * 3, [[0, 1], [0, 1], [0, 2], [1], [1], [1], [1], [1], [1]], [[0]])

    def nearest(damping: float) -> list[int]:
        strategy = ItemKnn(world.tracks, world.training, neighbours=1, damping=damping)
        return world.tracks.track_index[slow.answered(strategy.score(world.histories).top(3))[0]].tolist()

    assert nearest(0) == [1]
    assert nearest(0.5) == [2]
