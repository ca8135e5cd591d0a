"""The fast search against a slow and obvious one, and against gensim's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.embeddings import Hyperparameters, TrackEmbeddings
from rec_assets.core.errors import DataError, SettingsError
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.retrieval import NearestTracks, rank_held_out


def embeddings_of(vectors: np.ndarray, first_track: int = 0) -> TrackEmbeddings:
    vectors = np.asarray(vectors, np.float32)
    tracks = np.arange(first_track, first_track + len(vectors), dtype=np.int32)
    return TrackEmbeddings(tracks, np.arange(len(vectors), 0, -1), vectors, vectors, Hyperparameters().as_dict())


def sequences_of(*sequences: list[int]) -> FlatSequences:
    return FlatSequences(
        np.array([f"p{number}" for number in range(len(sequences))], object),
        np.concatenate([np.array(s, np.int32) for s in sequences]) if sequences else np.empty(0, np.int32),
        np.cumsum([0, *map(len, sequences)]),
    )


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(3, 40), st.integers(1, 6), st.data())
def test_ranks_equal_those_of_a_loop_over_all_tracks(seed: int, tracks: int, dimensions: int, data) -> None:
    draw = np.random.default_rng(seed)
    embeddings = embeddings_of(draw.normal(size=(tracks, dimensions + 1)))
    depth = data.draw(st.integers(1, tracks - 1))
    pairs = draw.integers(tracks, size=(15, 2)).tolist()

    ranks = rank_held_out(embeddings, sequences_of(*pairs), depth=depth, cold_query_seed=0)

    unit = embeddings.unit_input_vectors().astype(float)
    for (query, target), rank in zip(pairs, ranks.rank.tolist(), strict=True):
        cosines = unit @ unit[query]
        better = sum(cosines[other] > cosines[target] for other in range(tracks) if other not in (query, target))
        expected = 0 if query == target or better + 1 > depth else better + 1
        assert rank == expected


def test_the_track_itself_is_left_out_even_among_its_doubles() -> None:
    rows, _ = NearestTracks(embeddings_of(np.ones((5, 2)))).search(np.arange(5), 3)

    assert rows.shape == (5, 3)
    assert all(query not in found for query, found in enumerate(rows.tolist()))


def test_cold_targets_are_not_found_and_cold_queries_are_replaced_and_told() -> None:
    embeddings = embeddings_of(np.eye(3, dtype=np.float32), first_track=10)

    ranks = rank_held_out(embeddings, sequences_of([10, 99], [5, 11], [10, 12]), depth=2, cold_query_seed=1)

    assert ranks.query_is_cold.tolist() == [False, True, False]
    assert ranks.target_is_cold.tolist() == [True, False, False]
    assert ranks.rank[0] == 0
    assert ranks.rank[2] in (1, 2)
    assert ranks.popularity_rank.tolist() == [0, 2, 3]


def test_random_stand_ins_follow_their_seed() -> None:
    embeddings = embeddings_of(np.random.default_rng(0).normal(size=(50, 4)))
    cold = sequences_of(*[[77, target] for target in range(50)])

    def ranks(seed: int) -> list[int]:
        return rank_held_out(embeddings, cold, depth=49, cold_query_seed=seed).rank.tolist()

    assert ranks(1) == ranks(1)
    assert ranks(1) != ranks(2)


def test_no_held_out_playlist_and_a_depth_beyond_the_vocabulary_are_errors() -> None:
    embeddings = embeddings_of(np.eye(3))

    with pytest.raises(DataError, match="no held-out playlist"):
        rank_held_out(embeddings, sequences_of(), depth=1, cold_query_seed=0)
    with pytest.raises(SettingsError, match=r"k=3 .* vocabulary has 3 tracks"):
        rank_held_out(embeddings, sequences_of([0, 1]), depth=3, cold_query_seed=0)


def test_a_query_of_no_numbers_finds_nothing_not_even_a_cold_target() -> None:
    vectors = np.eye(4, dtype=np.float32)
    vectors[0] = np.nan

    ranks = rank_held_out(embeddings_of(vectors), sequences_of([0, 99], [1, 99]), depth=2, cold_query_seed=0)

    assert ranks.rank.tolist() == [0, 0]
