"""Without these, a playlist could be trained on and measured with, or be in another part after a rerun."""

import hashlib
import math
from collections.abc import Iterator, Sequence
from itertools import chain

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.base.errors import DataError, SettingsError
from rec_assets.core.base.relations import Relation
from rec_assets.core.playlists.repeats import refuse_repeating
from rec_assets.core.playlists.splits import Split, copied_share, count_misplaced, split_bounds, split_sequences

SHARES = {"train": 0.7, "validation": 0.2, "test": 0.1}
Named = tuple[str | None, str]
# Of few letters, so that user and name of several playlists often run together to the same text.
NAMES = st.text("ab-'", min_size=1, max_size=3) | st.text(min_size=1).filter(lambda text: "\0" not in text)
PLAYLISTS = st.lists(st.tuples(st.none() | NAMES, NAMES), min_size=10, max_size=60, unique=True)


def sequences_of(connection: duckdb.DuckDBPyConnection, playlists: Sequence[Named]) -> Relation:
    connection.execute(
        "CREATE OR REPLACE TABLE p (user_id VARCHAR, playlist VARCHAR, track_indexes INTEGER[], length INTEGER)"
    )
    columns = [list(column) for column in zip(*playlists, strict=True)]
    connection.execute("INSERT INTO p SELECT unnest(?), unnest(?), [1, 2, 3], 3", columns)
    return connection.table("p")


@pytest.fixture(scope="module")
def shared_connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


def parts_of(connection: duckdb.DuckDBPyConnection, playlists: Sequence[Named], seed: int) -> dict[str, list[Named]]:
    parts = split_sequences(sequences_of(connection, playlists), shares=SHARES, seed=seed)
    return {name: [row[:2] for row in part.fetchall()] for name, part in parts.items()}


def drawn(playlist: Named, seed: int) -> tuple[int, bool, Named]:
    """By what playlists are put in order; those without a user come last where the hash is the same."""
    user, name = playlist
    digest = hashlib.md5(f"{user or ''}-{name}{seed}".encode(), usedforsecurity=False).digest()
    return int.from_bytes(digest[8:], "little"), user is None, (user or "", name)


@settings(deadline=None, max_examples=20)
@given(PLAYLISTS, st.integers(-(2**31), 2**31), st.randoms())
def test_parts_are_complete_exact_and_in_the_order_of_the_hash_blind_to_row_order(
    shared_connection, playlists, seed, random
) -> None:
    parts = parts_of(shared_connection, playlists, seed)
    shuffled = list(playlists)
    random.shuffle(shuffled)

    # The same in every version of the package: a playlist that was held out stays so.
    assert list(chain.from_iterable(parts.values())) == sorted(playlists, key=lambda one: drawn(one, seed))
    n = len(playlists)
    assert [len(part) for part in parts.values()] == [7 * n // 10, 9 * n // 10 - 7 * n // 10, n - 9 * n // 10]
    assert parts_of(shared_connection, shuffled, seed) == parts


@settings(deadline=None, max_examples=10)
@given(
    PLAYLISTS,
    st.lists(st.sampled_from([-math.inf, -5.25, 50.0, 50.5, math.inf]), min_size=60, max_size=60),
    st.randoms(),
)
def test_parts_by_time_are_as_exact_and_ties_are_cut_by_the_hash_blind_to_row_order(
    shared_connection, playlists, times, random
) -> None:
    timed = list(zip(playlists, times, strict=False))

    def parts_by_time() -> list[list[tuple[Named, int]]]:
        named = sequences_of(shared_connection, [playlist for playlist, _ in timed])
        listed = ", ".join(f"'{time}'::DOUBLE" for _, time in timed)
        whole = named.select(f"*, [{listed}][row_number() OVER ()] AS ended_at")
        parts = split_sequences(whole, shares=SHARES, seed=1, split=Split.time).values()
        return [[(row[:2], row[-1]) for row in part.fetchall()] for part in parts]

    expected = sorted(timed, key=lambda one: (one[1], drawn(one[0], 1)))
    cut = [expected[first:last] for first, last in split_bounds(len(timed), SHARES).values()]
    # Within a part as ever: what takes the first of them takes no oldest ones.
    assert parts_by_time() == [sorted(part, key=lambda one: drawn(one[0], 1)) for part in cut]
    random.shuffle(timed)
    assert parts_by_time() == [sorted(part, key=lambda one: drawn(one[0], 1)) for part in cut]


def test_another_seed_gives_another_split(connection: duckdb.DuckDBPyConnection) -> None:
    sequences = sequences_of(connection, [("user", f"list {number}") for number in range(100)])

    def tested(**chosen) -> list[tuple]:
        return split_sequences(sequences, shares=SHARES, **chosen)["test"].fetchall()

    assert tested(seed=1) != tested(seed=2)


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


@pytest.mark.parametrize("shares", [(0.7, 0.2, 0.1), (0.98, 0.01, 0.01), (0.01, 0.01, 0.98)])
def test_no_part_is_empty_from_as_many_playlists_as_parts_on(shares) -> None:
    shares = dict(zip(SHARES, shares, strict=True))
    for total in range(3, 30):
        bounds = list(split_bounds(total, shares).values())
        assert all(first < last for first, last in bounds)
        assert [0, *(last for _, last in bounds)] == [*(first for first, _ in bounds), total]
    with pytest.raises(DataError, match="2 playlists cannot be split into train and validation and test"):
        split_bounds(2, shares)


def test_held_out_playlists_with_the_tracks_of_a_training_playlist_are_counted(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    train = connection.sql("SELECT unnest([[1, 2, 3], [1, 2, 3]]) AS track_indexes")
    held_out = connection.sql("SELECT unnest([[1, 2, 3], [3, 2, 1], [1, 2], [1, 2, 3]]) AS track_indexes")

    assert copied_share(train, held_out) == 0.5
    # 0 is the most frequent track, and DuckDB's hash of a list does not see it in front.
    assert copied_share(train, connection.sql("SELECT [0, 1, 2, 3] AS track_indexes")) == 0
    assert copied_share(train, train) == 1


def test_playlists_in_several_parts_in_none_or_from_nowhere_are_counted(connection: duckdb.DuckDBPyConnection) -> None:
    def found(whole: list[Named], parts: list[Named]) -> list[int]:
        expected, placed = (sequences_of(connection, playlists).to_arrow_table() for playlists in (whole, parts))
        return list(count_misplaced(connection.from_arrow(expected), connection.from_arrow(placed)).values())

    a, b, c, d = (None, "a"), ("a-b", "c"), ("a", "b-c"), ("u", "a")
    assert found([a, b, c], [c, a, b]) == [0, 0, 0]
    assert found([a, b, d], [a, a, b, c]) == [1, 1, 1]
    assert found([a, b, c], [a, a, c]) == [1, 1, 0]


def test_a_playlist_with_other_tracks_is_another_one(connection: duckdb.DuckDBPyConnection) -> None:
    def table(tracks: list[int]) -> Relation:
        return connection.sql(f"SELECT NULL::VARCHAR AS user_id, 'a' AS playlist, {tracks}::INTEGER[] AS track_indexes")

    assert list(count_misplaced(table([0, 1]), table([0, 1])).values()) == [0, 0, 0]
    assert list(count_misplaced(table([0, 1]), table([1])).values()) == [0, 1, 1]


def test_sequences_that_repeat_themselves_are_counted(connection: duckdb.DuckDBPyConnection) -> None:
    repeating = [[1, 2, 1, 2], [1, 1, 2, 2], [1, 2, 3] * 3, [1, 1, 1, 2, 2, 2], [1, 2, 1, 1, 2, 1]]
    others = [[1, 2, 3, 4], [1, 2, 1, 3], [1, 1, 2, 3], [1, 1, 1, 1], [1, 1, 1, 2, 2, 3], [1, 1], [1, 2, 1]]
    values = ", ".join(f"({one}, {len(one)})" for one in repeating + others)
    sequences = connection.sql(f"SELECT * FROM (VALUES {values}) s(track_indexes, length)")

    assert refuse_repeating(sequences, 1.0) == {"repeating": len(repeating)}
    with pytest.raises(DataError, match="5 of 12 playlists repeat themselves"):
        refuse_repeating(sequences, 0.4)
