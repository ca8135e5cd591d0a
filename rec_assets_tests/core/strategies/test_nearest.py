"""Without these, the examples by which people judge vectors could show a track as its own nearest, or other names."""

import duckdb
import numpy as np

from rec_assets.core.strategies.track_vectors import example_neighbours
from rec_assets_tests.core.small_models import embeddings_of

VECTORS = np.array([[1, 0], [2, 0.1], [0, 1], [-1, 0]])


def test_the_nearest_of_the_most_frequent_track_are_named_best_first(connection: duckdb.DuckDBPyConnection) -> None:
    catalog = connection.sql("SELECT range::INTEGER AS track_index, 'A' AS artist, 't' || range AS track FROM range(9)")

    query, nearest = example_neighbours(embeddings_of(VECTORS, first_track=5), catalog, depth=2)

    assert query == "A – t5"
    assert [name for name, _ in nearest] == ["A – t6", "A – t7"]
    assert nearest[0][1] == np.float32(2 / np.hypot(2, 0.1))


def test_few_tracks_have_few_neighbours_and_without_a_catalog_they_are_numbers() -> None:
    query, nearest = example_neighbours(embeddings_of(VECTORS[:2]), None, depth=9)

    assert (query, [name for name, _ in nearest]) == ("track 0", ["track 1"])
