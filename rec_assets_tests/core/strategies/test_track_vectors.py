"""Without these, vectors could be asked otherwise than the settings say, in any of the sixteen ways there are."""

import sys
from itertools import product
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.strategies import vector_scores
from rec_assets.core.strategies.answers import NO_TRACK
from rec_assets.core.strategies.track_vectors import (
    TUTORIAL_QUERY,
    ColdQuery,
    Query,
    Scoring,
    TrackVectors,
    VectorQuery,
)
from rec_assets.core.strategies.vector_scores import VectorIndex
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets_tests.core.strategies import slow_strategies as slow
from rec_assets_tests.core.strategies.slow_strategies import World, check, embed, lists_of, random_world, worlds

QUESTIONS = st.sampled_from([(query, scoring) for query, scoring in product(Query, Scoring)])
EACH_COLD = pytest.mark.parametrize("cold", ColdQuery, ids=lambda cold: cold.value)
SEEDS = st.integers(0, 2**32 - 1)


def asking(asked: VectorQuery, **changes: Any) -> VectorQuery:
    return VectorQuery(**asked.as_dict() | changes)


def some_have_vectors(world: World, draw: np.random.Generator) -> np.ndarray:
    return (draw.random(len(world.tracks)) < draw.random()) | (np.arange(len(world.tracks)) == 0)


def check_against_loop(world: World, embeddings: TrackEmbeddings, asked: VectorQuery, *, exact: bool) -> None:
    expected = [
        slow.track_vectors(world, embeddings, asked, history, playlist)
        for history, playlist in zip(lists_of(world.histories), world.histories.ids, strict=True)
    ]
    scores = TrackVectors.fit(world.tracks, embeddings, asked).score(world.histories)
    answers, singles = zip(*expected, strict=True)
    check(world, scores, answers, exact=exact, singles=singles, nothing=np.nan)


@EACH_COLD
@settings(deadline=None, max_examples=50)
@given(QUESTIONS, worlds(), SEEDS, st.integers(1, 3))
def test_with_whole_numbers_it_is_exactly_a_loop(
    cold: ColdQuery, question: tuple[Query, Scoring], world: World, seed: int, dimensions: int
) -> None:
    query, scoring = question
    draw = np.random.default_rng(seed)
    shape = (len(world.tracks), dimensions)
    inputs, outputs = draw.integers(-2, 3, shape), draw.integers(-2, 3, shape)
    if scoring is Scoring.cosine:
        # One number each that is not 0, at most, so that cosines are whole numbers, too.
        inputs[np.arange(dimensions) != draw.integers(dimensions, size=shape[0])[:, None]] = 0
    asked = VectorQuery(
        query=query,
        scoring=scoring,
        cold_query=cold,
        query_decay=1,
        query_length=2,
        popularity_prior=0,
        cold_query_seed=seed,
    )
    embeddings = embed(world, inputs, outputs, some_have_vectors(world, draw))

    # The mean of an artist's vectors is rounded.
    check_against_loop(world, embeddings, asked, exact=cold is not ColdQuery.artist)


@EACH_COLD
@settings(deadline=None, max_examples=30)
@given(QUESTIONS, worlds(), SEEDS, st.floats(0.1, 1), st.integers(1, 4), st.floats(0, 1))
def test_with_any_numbers_it_is_a_loop(
    cold: ColdQuery,
    question: tuple[Query, Scoring],
    world: World,
    seed: int,
    decay: float,
    length: int,
    prior: float,
) -> None:
    query, scoring = question
    draw = np.random.default_rng(seed)
    inputs, outputs = draw.normal(size=(2, len(world.tracks), 4))
    asked = VectorQuery(
        query=query,
        scoring=scoring,
        cold_query=cold,
        query_decay=decay,
        query_length=length,
        popularity_prior=prior,
        cold_query_seed=seed,
    )

    check_against_loop(world, embed(world, inputs, outputs, some_have_vectors(world, draw)), asked, exact=False)


def test_long_histories_leave_out_all_that_is_best_and_still_find_the_rest() -> None:
    tracks = 100
    best_first = [list(range(length)) for length in (1, 70, 9, 33, 100)]
    training = [[track] * (tracks - track) for track in range(tracks)]
    world = World.of([0] * tracks, training, best_first)
    ones, falling = np.ones((tracks, 1)), np.arange(tracks, 0, -1)[:, None]
    asked = VectorQuery(query=Query.last, popularity_prior=0)

    check_against_loop(world, embed(world, ones, falling, [True] * tracks), asked, exact=True)


def test_the_defaults_are_those_that_are_described() -> None:
    rest = {"query_decay": 0.9, "query_length": 20, "popularity_prior": 0.4, "cold_query_seed": 0}
    default = {"query": "history", "scoring": "output", "cold_query": "history"}
    tutorial = {"query": "last", "scoring": "cosine", "cold_query": "random"}

    assert VectorQuery().as_dict() == default | rest
    assert TUTORIAL_QUERY.as_dict() == tutorial | rest


@settings(deadline=None, max_examples=100)
@given(SEEDS, st.integers(1, 20), st.integers(1, 3), st.integers(1, 9), st.integers(0, 2), st.data())
def test_the_search_gives_ties_across_all_its_borders_to_the_lowest_place(
    seed: int, size: int, dimensions: int, queries: int, margin: int, data: st.DataObject
) -> None:
    draw = np.random.default_rng(seed)
    vectors, asked = draw.integers(-1, 2, (size, dimensions)), draw.integers(-1, 2, (queries, dimensions))
    depth, block = data.draw(st.integers(1, size)), data.draw(st.sampled_from([3, 99]))

    with patch.multiple(vector_scores, _BLOCK=block, _QUERIES=4, _MARGIN=margin), patch.dict(sys.modules):
        if data.draw(st.booleans(), "without numba"):
            sys.modules.pop("numba", None)
        places, scores = VectorIndex.build(vectors, np.arange(size), size).search(asked, depth)

    for query, (found, values) in enumerate(zip(places.tolist(), scores.tolist(), strict=True)):
        products = {place: float(vectors[place] @ asked[query]) for place in range(size)}
        assert found == slow.in_order(products, depth)
        assert values == [products[place] for place in found]


def test_many_doubles_across_the_borders_of_blocks_leave_the_best_in_front() -> None:
    vectors = np.ones((5_000, 2))
    vectors[4_000:4_010] = 2
    index = VectorIndex.build(vectors, np.arange(5_000) * 2 + 1, 10_001)

    places, scores = index.search(np.ones((3, 2), np.float32), 15)

    assert places.tolist() == [[*range(4_000, 4_010), *range(5)]] * 3
    assert scores.tolist() == [[4.0] * 10 + [2.0] * 5] * 3
    assert index.rows[:3].tolist() == [1, 3, 5]
    assert index.place[:4].tolist() == [NO_TRACK, 0, NO_TRACK, 1]


@pytest.mark.parametrize("depth", [1, 2, 4])
def test_a_query_of_no_numbers_finds_nothing(depth: int) -> None:
    asked = np.array([[np.nan, 1], [1, 1]])

    places, _ = VectorIndex.build(np.ones((4, 2)), np.arange(4), 4).search(asked, depth)

    assert places.tolist() == [[NO_TRACK] * depth, list(range(depth))]


@EACH_COLD
@pytest.mark.parametrize("scoring", Scoring, ids=lambda scoring: scoring.value)
@pytest.mark.parametrize("query", Query, ids=lambda query: query.value)
def test_a_broken_vector_answers_nothing_and_spoils_no_other_history(
    query: Query, scoring: Scoring, cold: ColdQuery
) -> None:
    # Track 3 has no vector; the broken one is the first of the index, and no answer to anything.
    world = World.of([0, 1, 1, 2], [[0, 0, 0, 1, 2, 3], [1, 1, 2]], [[0], [1], [3, 2], [2, 3], [3]])
    broken = int(world.tracks.row_of[0])
    vectors = np.ones((4, 2))
    vectors[broken] = np.nan
    has_vector = np.arange(4) != world.tracks.row_of[3]
    embeddings = embed(world, vectors, np.where(np.isnan(vectors), 1, vectors), has_vector)
    asked = VectorQuery(query=query, scoring=scoring, cold_query=cold, cold_query_seed=1)

    rows = slow.answered(TrackVectors.fit(world.tracks, embeddings, asked).score(world.histories).top(4))

    assert rows[0] == []
    assert rows[1]
    if query is Query.history or cold in (ColdQuery.history, ColdQuery.artist):
        assert rows[2]
        assert rows[3]


def test_a_random_stand_in_hangs_on_the_playlist_and_the_seed_alone() -> None:
    world = random_world(histories=1)
    vectors = np.random.default_rng(0).normal(size=(60, 4))
    half = embed(world, vectors, vectors, np.arange(60) < 30)
    cold = slow.sequences_of([[59]] * 40)

    def best(seed: int, histories=cold) -> list[int]:
        asked = asking(TUTORIAL_QUERY, cold_query_seed=seed)
        return TrackVectors.fit(world.tracks, half, asked).score(histories).top(1).rows[:, 0].tolist()

    assert best(1) == best(1)
    assert best(1) != best(2)
    assert len(set(best(1))) > 5
    assert best(1, cold[30:]) == best(1)[30:]


def test_cosines_are_those_of_input_vectors_and_nan_without_one() -> None:
    world = World.of([0] * 4, [[0, 0, 0, 0, 1, 1, 1, 2, 2, 3]], [[0]])
    assert world.tracks.track_index.tolist() == [0, 1, 2, 3]
    inputs = np.array([[2, 0], [3, 3], [0, 0], [1, 1]])
    vectors = TrackVectors.fit(world.tracks, embed(world, inputs, -inputs, [True, True, True, False]), VectorQuery())

    np.testing.assert_allclose(vectors.cosines(0, np.array([0, 1, 2, 3])), [1, np.sqrt(0.5), 0, np.nan], rtol=1e-6)
    assert np.isnan(vectors.cosines(3, np.array([0, 1]))).all()
