"""Without these, the ranker could learn from playlists that its strategies have seen, and overrate them."""

from itertools import chain

import duckdb
import numpy as np
import pytest

from rec_assets.core.base.errors import DataError, TrainingError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation
from rec_assets.core.ranker.cross_fitting import folds, gather_examples, split_for_ranker
from rec_assets.core.ranker.learned import from_document, to_document
from rec_assets.core.ranker.settings import RankerSettings
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


def test_every_playlist_is_in_one_part_and_another_seed_cuts_otherwise(sequences: Relation) -> None:
    def parts(**chosen: float) -> list[list[int]]:
        settings = RankerSettings(**chosen)
        cut = list(folds(split_for_ranker(sequences, settings), settings.ranker_folds))
        assert all(sorted([*others.ids, *part.ids]) == every for others, part in cut)
        return [part.ids.tolist() for _, part in cut]

    every = sorted(FlatSequences.from_relation(sequences).ids)

    assert sorted(chain(*parts())) == every
    assert [len(part) for part in parts()] == [20] * 5
    assert [len(part) for part in parts(ranker_folds=3)] == [34, 33, 33]
    assert parts(ranker_split_seed=8) != parts() == parts()


@pytest.mark.parametrize(("limit", "fitted_folds"), [(10_000, 5), (50, 2), (1, 1)])
def test_strategies_and_vectors_see_the_other_parts_only(sequences: Relation, limit: int, fitted_folds: int) -> None:
    asked = RankerSettings(**FEW_TREES.as_dict() | {"ranker_examples": limit})
    expected = [lists_of(others) for others, _ in folds(split_for_ranker(sequences, asked), 5)]
    seen: list[FlatSequences] = []
    fitted: list[int] = []
    progress: list[tuple[str, int, int]] = []

    def train(playlists: FlatSequences) -> TrackEmbeddings:
        seen.append(playlists)
        return embeddings()

    pool = gather_examples(sequences, ARTISTS, asked, train, fitted.append, lambda *step: progress.append(step))
    ranker = pool.learn()

    assert [lists_of(playlists) for playlists in seen] == expected[:fitted_folds]
    assert fitted == [80] * fitted_folds
    examples = sum(total for what, done, total in progress if what == "examples" and done == total)
    assert progress[-1] == ("trees", FEW_TREES.ranker_trees, FEW_TREES.ranker_trees)
    assert ranker.examples + ranker.targets_missed == examples <= limit
    assert examples == limit or 100 <= examples <= 200
    assert from_document(to_document(ranker)) == ranker


def test_one_playlist_teaches_nothing(sequences: Relation) -> None:
    with pytest.raises(DataError, match="1 training playlists cannot be cut into 2 parts"):
        gather_examples(sequences.limit(1), ARTISTS, FEW_TREES, lambda playlists: embeddings())


def test_vectors_that_diverged_are_refused_before_anything_is_learned(sequences: Relation) -> None:
    with pytest.raises(TrainingError, match="training diverged"):
        gather_examples(sequences, ARTISTS, FEW_TREES, lambda playlists: embeddings(np.inf))
