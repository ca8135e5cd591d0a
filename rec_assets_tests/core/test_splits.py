"""What must always hold of a split."""

from collections.abc import Sequence
from itertools import chain

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.base.errors import DataError, SettingsError
from rec_assets.core.base.relations import Relation
from rec_assets.core.playlists.splits import copied_share, split_bounds, split_sequences

SHARES = {"train": 0.7, "validation": 0.2, "test": 0.1}
IDS = st.lists(st.text(min_size=1).filter(lambda text: "\0" not in text), min_size=10, max_size=60, unique=True)


def sequences_of(connection: duckdb.DuckDBPyConnection, ids: Sequence[str]) -> Relation:
    connection.execute("CREATE OR REPLACE TABLE ids (playlist_id VARCHAR, track_indexes INTEGER[], length INTEGER)")
    connection.executemany("INSERT INTO ids VALUES (?, [1, 2, 3], 3)", [[name] for name in ids])
    return connection.table("ids")


def parts_of(ids: Sequence[str], seed: int) -> dict[str, list[str]]:
    with duckdb.connect() as connection:
        parts = split_sequences(sequences_of(connection, ids), shares=SHARES, seed=seed)
        return {name: [row[0] for row in part.fetchall()] for name, part in parts.items()}


@settings(deadline=None, max_examples=25)
@given(IDS, st.integers(-(2**31), 2**31), st.randoms())
def test_parts_are_disjoint_complete_exact_and_blind_to_row_order(ids, seed, random) -> None:
    parts = parts_of(ids, seed)
    shuffled = list(ids)
    random.shuffle(shuffled)

    assert sorted(chain.from_iterable(parts.values())) == sorted(ids)
    n = len(ids)
    assert [len(part) for part in parts.values()] == [7 * n // 10, 9 * n // 10 - 7 * n // 10, n - 9 * n // 10]
    assert parts_of(shuffled, seed) == parts


def test_another_seed_gives_another_split() -> None:
    ids = [f"user-{number}" for number in range(100)]

    assert parts_of(ids, 1)["test"] != parts_of(ids, 2)["test"]


def test_sizes_are_cumulative_shares_of_the_whole_rounded_down_in_exact_decimals() -> None:
    # In binary, 0.7 + 0.2 is a little below 0.9, and 10,430 playlists would lose one.
    assert split_bounds(10_434, SHARES) == {
        "train": (0, 7303),
        "validation": (7303, 9390),
        "test": (9390, 10_434),
    }
    assert split_bounds(10, SHARES) == {"train": (0, 7), "validation": (7, 9), "test": (9, 10)}


@pytest.mark.parametrize("shares", [(0.7, 0.2, 0.2), (0.7, 0.3, 0.0), (1.2, -0.1, -0.1)])
def test_shares_that_are_no_split_are_refused_with_their_sum(shares) -> None:
    with pytest.raises(SettingsError, match="add to"):
        split_bounds(100, dict(zip(SHARES, shares, strict=True)))


def test_too_few_playlists_name_the_part_that_would_be_empty() -> None:
    with pytest.raises(DataError, match="train and validation would be empty"):
        split_bounds(1, SHARES)


def test_held_out_playlists_with_the_tracks_of_a_training_playlist_are_counted(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    train = connection.sql("SELECT 'a' AS playlist_id, [1, 2, 3] AS track_indexes UNION ALL SELECT 'b', [1, 2, 3]")
    held_out = connection.sql(
        "SELECT unnest(['c', 'd', 'e', 'f']) AS playlist_id, "
        "unnest([[1, 2, 3], [3, 2, 1], [1, 2], [1, 2, 3]]) AS track_indexes"
    )

    assert copied_share(train, held_out) == 0.5
    assert copied_share(train, train) == 1
