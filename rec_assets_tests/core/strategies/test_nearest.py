"""Without these, the examples by which people judge vectors could show a track as its own nearest, or other names."""

import duckdb
import numpy as np

from rec_assets.core.strategies.nearest import example_neighbours
from rec_assets_tests.core.small_models import embeddings_of

VECTORS = np.array([[1, 0], [2, 0.1], [0, 1], [-1, 0]])


def test_the_nearest_of_the_most_frequent_tracks_are_named_best_first(connection: duckdb.DuckDBPyConnection) -> None:
    catalog = connection.sql("SELECT range::INTEGER AS track_index, 'A' AS artist, 't' || range AS track FROM range(9)")

    examples = example_neighbours(embeddings_of(VECTORS, first_track=5), catalog, examples=2, depth=2)

    assert [example.query for example in examples] == ["A – t5", "A – t6"]
    assert [[name for name, _ in example.nearest] for example in examples] == [
        ["A – t6", "A – t7"],
        ["A – t5", "A – t7"],
    ]
    assert examples[0].nearest[0][1] == np.float32(2 / np.hypot(2, 0.1))


def test_few_tracks_have_few_neighbours_and_without_a_catalog_they_are_numbers() -> None:
    (first, second) = example_neighbours(embeddings_of(VECTORS[:2]), None, examples=9, depth=9)

    assert (first.query, [name for name, _ in first.nearest]) == ("track 0", ["track 1"])
    assert (second.query, [name for name, _ in second.nearest]) == ("track 1", ["track 0"])
    assert example_neighbours(embeddings_of(VECTORS[:1]), None, examples=9, depth=9) == []
