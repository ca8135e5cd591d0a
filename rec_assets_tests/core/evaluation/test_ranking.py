"""Without these, hit rates could be of other places than those at which targets are recommended."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.base.errors import DataError
from rec_assets.core.evaluation.ranking import HeldOutAnswers, answer_held_out, describe_ranks
from rec_assets.core.strategies.popularity import Popularity
from rec_assets.core.strategies.track_vectors import TUTORIAL_QUERY, TrackVectors, VectorQuery
from rec_assets.core.strategies.tracks import Tracks
from rec_assets_tests.core.small_models import embeddings_of, sequences_of, tracks_of


def ask_as_the_tutorial(embeddings, *sequences: list[int], depth: int, seed: int = 0, tracks: int = 0):
    """The answers of the tutorial's way of asking, over as many tracks as the embeddings have, or more."""
    count = max(len(embeddings) + int(embeddings.track_index[0]), tracks)
    held = np.zeros(count, np.int64)
    held[embeddings.track_index] = embeddings.count
    order = np.lexsort((np.arange(count), -held)).astype(np.int32)
    row_of = np.argsort(order).astype(np.int32)
    all_tracks = Tracks(order, held[order], np.full(count, -1, np.int32), row_of)
    query = VectorQuery(**TUTORIAL_QUERY.as_dict() | {"cold_query_seed": seed})
    strategy = TrackVectors.fit(all_tracks, embeddings, query)
    return answer_held_out(strategy, all_tracks, sequences_of(*sequences), depth=depth, repeats=True)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(3, 40), st.integers(1, 6), st.data())
def test_ranks_equal_those_of_a_loop_over_all_tracks(seed: int, tracks: int, dimensions: int, data) -> None:
    draw = np.random.default_rng(seed)
    embeddings = embeddings_of(draw.normal(size=(tracks, dimensions + 1)))
    depth = data.draw(st.integers(1, tracks - 1))
    pairs = draw.integers(tracks, size=(15, 2)).tolist()

    ranks = ask_as_the_tutorial(embeddings, *pairs, depth=depth).ranks

    unit = embeddings.unit_input_vectors().astype(float)
    for (query, target), rank in zip(pairs, ranks.tolist(), strict=True):
        cosines = unit @ unit[query]
        better = sum(cosines[other] > cosines[target] for other in range(tracks) if other not in (query, target))
        expected = 0 if query == target or better + 1 > depth else better + 1
        assert rank == expected


def test_cold_queries_are_replaced_at_random_by_the_seed_and_cold_targets_are_never_found() -> None:
    embeddings = embeddings_of(np.random.default_rng(0).normal(size=(50, 4)))
    cold = [[77, target] for target in range(50)]

    def ranks(seed: int) -> list[int]:
        return ask_as_the_tutorial(embeddings, *cold, depth=49, seed=seed, tracks=80).ranks.tolist()

    assert ranks(1) == ranks(1)
    assert ranks(1) != ranks(2)
    assert ask_as_the_tutorial(embeddings, [1, 77], [77, 78], depth=49, tracks=80).ranks.tolist() == [0, 0]


def test_no_held_out_playlist_is_an_error() -> None:
    tracks = tracks_of([3, 2, 1])

    with pytest.raises(DataError, match="no held-out playlist"):
        answer_held_out(Popularity(tracks), tracks, sequences_of(), depth=1, repeats=True)


def test_recommended_counts_are_playlists_per_track() -> None:
    tracks = tracks_of([3, 2, 1, 0])

    answers = answer_held_out(
        Popularity(tracks), tracks, sequences_of([0, 1], [2, 0], [0, 3, 1]), depth=2, repeats=False
    )

    assert isinstance(answers, HeldOutAnswers)
    # Without the history: 1 2 | 0 1 | 1 2
    assert answers.recommended.tolist() == [1, 3, 2, 0]
    assert answers.ranks.tolist() == [1, 1, 1]


def test_what_is_known_of_query_and_target_stands_beside_the_rank() -> None:
    tracks = tracks_of([5, 4, 3, 2, 0], artists=[0, 1, 0, -1, 1])
    has_vector = np.array([True, True, True, False, False])
    sequences = sequences_of([0, 1, 2], [1, 4], [3, 3], [0, 3, 4])

    ranks = describe_ranks(np.array([1, 0, 2, 0]), tracks, has_vector, sequences)

    assert ranks.query_track.tolist() == [1, 1, 3, 3]
    assert ranks.target_track.tolist() == [2, 4, 3, 4]
    assert ranks.query_is_cold.tolist() == [False, False, True, True]
    assert ranks.target_is_cold.tolist() == [False, True, True, True]
    assert ranks.history_length.tolist() == [2, 1, 1, 2]
    assert ranks.target_count.tolist() == [3, 0, 2, 0]
    assert ranks.popularity_rank.tolist() == [3, 0, 4, 0]
    # The artist of 2 is that of 0; of 4 that of 1; of 3 unknown, though 3 itself is in the history.
    assert ranks.same_artist.tolist() == [1, 1, -1, 0]
