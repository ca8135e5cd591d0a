"""Without these, the ranker could learn from playlists that its strategies have seen, and overrate them."""

import duckdb
import numpy as np
import pytest

from rec_assets.core.base.errors import TrainingError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation
from rec_assets.core.ranker.learned import (
    RankerSettings,
    from_document,
    learn_from_held_aside,
    split_for_ranker,
    to_document,
)
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets_tests.core.ranker.planted_rankers import FEW_TREES, TRACKS, walks
from rec_assets_tests.core.strategies.slow_strategies import lists_of

ARTISTS = (np.arange(TRACKS) // 4).astype(np.int32)


@pytest.fixture
def sequences(connection: duckdb.DuckDBPyConnection) -> Relation:
    connection.execute("CREATE TABLE s (user_id VARCHAR, playlist VARCHAR, track_indexes INTEGER[], length INTEGER)")
    rows = [["u", f"p{number}", walk, len(walk)] for number, walk in enumerate(walks(100, seed=5))]
    connection.executemany("INSERT INTO s VALUES (?, ?, ?, ?)", rows)
    return connection.table("s")


def embeddings(scale: float = 1.0) -> TrackEmbeddings:
    inputs, outputs = scale * np.random.default_rng(0).normal(size=(2, TRACKS, 6)).astype(np.float32)
    return TrackEmbeddings(np.arange(TRACKS, dtype=np.int32), np.arange(TRACKS, 0, -1), inputs, outputs, {})


def test_parts_are_of_the_share_that_is_set_and_drawn_by_their_own_seed(sequences: Relation) -> None:
    def parts(**chosen: float) -> list[set[int]]:
        return [set(part.ids.tolist()) for part in split_for_ranker(sequences, RankerSettings(**chosen))]

    base, aside = parts()

    assert (len(base), len(aside)) == (80, 20)
    assert len(base | aside) == 100
    assert parts(ranker_share=0.3)[1] > aside
    assert parts(ranker_split_seed=8)[1] != aside


def test_strategies_and_vectors_see_the_other_playlists_only(sequences: Relation) -> None:
    base, aside = split_for_ranker(sequences, FEW_TREES)
    seen: list[FlatSequences] = []
    fitted: list[int] = []
    progress: list[tuple[str, int, int]] = []

    def train(playlists: FlatSequences) -> TrackEmbeddings:
        seen.append(playlists)
        return embeddings()

    ranker = learn_from_held_aside(
        sequences, ARTISTS, FEW_TREES, train, fitted.append, lambda *step: progress.append(step)
    )

    assert [lists_of(playlists) for playlists in seen] == [lists_of(base)]
    assert fitted == [80]
    *_, (_, _, examples) = (step for step in progress if step[0] == "examples")
    assert progress[-1] == ("trees", FEW_TREES.ranker_trees, FEW_TREES.ranker_trees)
    assert ranker.examples + ranker.targets_missed == examples
    assert len(aside) <= examples <= 2 * len(aside)
    assert from_document(to_document(ranker)) == ranker


def test_vectors_that_diverged_are_refused_before_anything_is_learned(sequences: Relation) -> None:
    with pytest.raises(TrainingError, match="training diverged"):
        learn_from_held_aside(sequences, ARTISTS, FEW_TREES, lambda playlists: embeddings(np.inf))
