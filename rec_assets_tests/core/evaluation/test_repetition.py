"""Without this a model that only repeats could be promoted, or an honest set be refused; figures by hand."""

import duckdb
import pyarrow as pa
import pytest

from rec_assets.core.evaluation.repetition import Repetition


@pytest.mark.parametrize(
    ("ranker", "new", "last_track", "playlists", "suspicious"),
    [
        (1.0, 0.0, 0.18, 80, True),  # every playlist is its own first half again
        (1.0, 0.0, 1.0, 80, True),  # in a catalog so small that any strategy that may repeat finds all
        (0.95, 0.05, 0.0, 20, True),
        (0.94, 0.0, 0.1, 1_000, False),
        (1.0, 0.06, 0.1, 1_000, False),
        (0.81, 0.42, 0.3, 5_000, False),  # sessions of a web shop
        (1.0, 0.0, 0.0, 19, False),  # may be chance
        (1.0, None, 0.18, 80, False),  # nothing was fitted that leaves repeats out
    ],
)
def test_only_where_all_that_is_found_are_repeats_the_data_are_suspected(
    connection: duckdb.DuckDBPyConnection,
    ranker: float,
    new: float | None,
    last_track: float,
    playlists: int,
    suspicious: bool,
) -> None:
    rows = [("item_knn", new, False), ("popularity", new and new / 2, False), ("last_track", last_track, True)]
    rows = [("ranker", ranker, True), *(row for row in rows if row[1] is not None)]
    table = [{"strategy": s, "hit_rate": rate, "repeats": r, "playlists": playlists} for s, rate, r in rows]

    found = Repetition.of(connection.from_arrow(pa.Table.from_pylist(table)))

    assert bool(found.in_words()) is suspicious
    assert (found.strategy, found.found) == ("ranker", ranker)
