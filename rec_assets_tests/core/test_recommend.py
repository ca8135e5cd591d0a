"""Recommending by any strategy: filled up, whatever the batches, the order, and the threads, and nothing is changed."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.ranker import RankedCandidates, Sources
from rec_assets.core.strategies import (
    TUTORIAL_QUERY,
    Answers,
    ArtistAffinity,
    ColdQuery,
    ItemKnn,
    PlaylistKnn,
    Popularity,
    SequentialRules,
    Strategy,
    TrackVectors,
    VectorQuery,
    recommend,
)
from rec_assets.core.strategies.popularity import fill_up
from rec_assets_tests.core import slow_strategies as slow
from rec_assets_tests.core.planted_rankers import cycle_ranker
from rec_assets_tests.core.slow_strategies import World, embed, lists_of, random_world, worlds

Build = Callable[[World, TrackEmbeddings], Strategy]
STRATEGIES: dict[str, Build] = {
    "popularity": lambda world, _: Popularity(world.tracks),
    "artist_affinity": lambda world, _: ArtistAffinity(world.tracks),
    "item_knn": lambda world, _: ItemKnn(world.tracks, world.training, damping=0, decay=1),
    "sequential_rules": lambda world, _: SequentialRules(world.tracks, world.training, window=2),
    "playlist_knn": lambda world, _: PlaylistKnn(world.tracks, world.training, neighbours=20),
    "history": lambda world, embeddings: TrackVectors(world.tracks, embeddings, VectorQuery()),
    "artist": lambda world, embeddings: TrackVectors(world.tracks, embeddings, VectorQuery(cold=ColdQuery.artist)),
    "tutorial": lambda world, embeddings: TrackVectors(world.tracks, embeddings, TUTORIAL_QUERY),
    "ranker": lambda world, embeddings: RankedCandidates(
        Sources(world.tracks, world.training, embeddings), cycle_ranker()
    ),
}


def some_vectors(world: World) -> TrackEmbeddings:
    draw = np.random.default_rng(5)
    inputs, outputs = draw.normal(size=(2, len(world.tracks), 6))
    return embed(world, inputs, outputs, draw.random(len(world.tracks)) < 0.6)


def answers_of(
    strategy: Strategy, world: World, histories: FlatSequences, *, batch: int, repeats: bool = False, depth: int = 9
) -> Answers:
    strategy.batch = batch
    parts, answers = zip(*recommend(strategy, world.tracks, histories, depth=depth, repeats=repeats), strict=True)
    assert [number for part in parts for number in range(part.start, min(part.stop, len(histories)))] == list(
        range(len(histories))
    )
    rows = np.concatenate([one.rows for one in answers])
    return Answers(rows, np.concatenate([one.scores for one in answers]))


def arrays_in(value: object) -> Iterator[np.ndarray]:
    if isinstance(value, np.ndarray):
        yield value
    elif is_dataclass(value):
        for one in fields(value):
            yield from arrays_in(getattr(value, one.name))


@pytest.fixture(scope="module")
def world() -> World:
    return random_world()


@settings(deadline=None, max_examples=100)
@given(worlds(), st.booleans(), st.integers(1, 12), st.integers(1, 5))
def test_short_lists_are_filled_up_by_popularity(world: World, repeats: bool, depth: int, batch: int) -> None:
    strategies = {
        SequentialRules(world.tracks, world.training, window=2): [
            slow.near_tracks(
                world, history, weight_at=lambda s: 1 / s if s in (1, 2) else 0, damping=0, kept=200, decay=1, length=1
            )
            for history in lists_of(world.histories)
        ],
        Popularity(world.tracks): [slow.popularity(world)] * len(world.histories),
    }
    for strategy, scores in strategies.items():
        found = answers_of(strategy, world, world.histories, batch=batch, repeats=repeats, depth=depth)

        for history, own, rows in zip(scores, lists_of(world.histories), slow.answered(found), strict=True):
            assert rows == slow.filled_up(world, history, depth, () if repeats else own)


@pytest.mark.parametrize("name", STRATEGIES)
@pytest.mark.parametrize("repeats", [False, True])
def test_answers_are_the_same_in_all_batches_orders_and_threads(
    world: World, name: str, repeats: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    strategy = STRATEGIES[name](world, some_vectors(world))

    def answers(batch: int, histories: FlatSequences = world.histories) -> Answers:
        return answers_of(strategy, world, histories, batch=batch, repeats=repeats)

    expected = answers(10_000)
    order = np.random.default_rng(1).permutation(len(world.histories))
    shuffled = world.histories.cut_at(order, world.histories.lengths()[order])
    found = {batch: answers(batch) for batch in (1, 7, 30)}
    monkeypatch.setattr(sys.modules[recommend.__module__], "_WORKERS", 1)
    found["one worker"] = answers(9)
    for number in (1, 2, 4):
        with threadpool_limits(number):
            again = STRATEGIES[name](world, some_vectors(world))
            direct = again.score(world.histories).top(9, None if repeats else world.histories)
        found[f"{number} threads"] = fill_up(
            direct, Popularity(world.tracks).score(world.histories), None if repeats else world.histories
        )

    for one in found.values():
        assert one.rows.tolist() == expected.rows.tolist()
        np.testing.assert_allclose(one.scores, expected.scores, rtol=1e-4)
    assert answers(7, shuffled).rows.tolist() == expected.rows[order].tolist()


@pytest.mark.parametrize("name", STRATEGIES)
def test_nothing_that_is_given_is_changed(name: str) -> None:
    world = random_world(seed=3)
    # Not in ascending order, and with repeats: what sorting or adding up in place would change.
    assert any(playlist != sorted(set(playlist)) for playlist in world.playlists)
    embeddings = some_vectors(world)
    given = [*arrays_in(world), *arrays_in(embeddings)]
    copies = [array.copy() for array in given]
    for array in given:
        array.setflags(write=False)

    strategy = STRATEGIES[name](world, embeddings)
    first = answers_of(strategy, world, world.histories, batch=8)
    scores = strategy.score(world.histories)
    rows = np.arange(50)
    singles = scores.at(rows, rows)

    assert len(given) == 14
    for array, copy in zip(given, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    # And asking leaves no trace in the strategy or the scores.
    assert answers_of(strategy, world, world.histories, batch=8).rows.tolist() == first.rows.tolist()
    np.testing.assert_array_equal(scores.at(rows, rows), singles)
    assert (
        scores.top(9, world.histories).rows.tolist()
        == strategy.score(world.histories).top(9, world.histories).rows.tolist()
    )


def test_no_history_no_answer(world: World) -> None:
    assert list(recommend(Popularity(world.tracks), world.tracks, world.histories[:0], depth=3, repeats=False)) == []


def test_an_error_in_a_batch_is_not_swallowed(world: World) -> None:
    class Broken(Popularity):
        batch = 2

        def score(self, histories):
            raise ArithmeticError("broken")

    with pytest.raises(ArithmeticError, match="broken"):
        list(recommend(Broken(world.tracks), world.tracks, world.histories, depth=3, repeats=False))


def test_the_rank_is_the_place_of_the_target_and_0_without_one() -> None:
    answers = Answers(np.array([[4, 2, 7], [1, -1, -1], [3, 5, -1]], np.int32), np.zeros((3, 3), np.float32))

    assert answers.rank_of(np.array([7, 1, 9])).tolist() == [3, 1, 0]
    assert answers.rank_of(np.array([4, -1, 5])).tolist() == [1, 0, 2]
