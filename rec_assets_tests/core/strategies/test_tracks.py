"""Without these, rows could name other tracks or artists than the catalog, and ties could follow held-out counts."""

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.strategies.tracks import Tracks, artist_numbers
from rec_assets_tests.core.strategies.slow_strategies import lists_of, sequences_of, worlds


def splitmix(number: int) -> int:
    """The first number of splitmix64 from this seed, in whole numbers."""
    number = (number + 0x9E3779B97F4A7C15) % 2**64
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    number = (number ^ number >> 27) * 0x94D049BB133111EB % 2**64
    return number ^ number >> 31


@settings(deadline=None, max_examples=40)
@given(st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=6), st.integers(10, 14))
def test_tracks_stand_by_falling_count_and_then_by_hash(training: list[list[int]], size: int) -> None:
    artists = np.arange(size, dtype=np.int32) % 3 - 1
    tracks = Tracks.count_in(sequences_of(training), artists)

    count = [sum(playlist.count(track) for playlist in training) for track in range(size)]
    expected = sorted(range(size), key=lambda track: (-count[track], splitmix(track)))
    assert len(tracks) == size
    assert tracks.track_index.tolist() == expected
    assert tracks.count.tolist() == [count[track] for track in expected]
    assert tracks.artist.tolist() == [artists[track] for track in expected]
    assert tracks.row_of[tracks.track_index].tolist() == list(range(size))
    assert (tracks.track_index.dtype, tracks.row_of.dtype, tracks.count.dtype) == (np.int32, np.int32, np.int64)


@given(worlds())
@settings(deadline=None, max_examples=20)
def test_sequences_of_rows_lead_back_to_the_tracks(world) -> None:
    indexes = FlatSequences(
        world.histories.ids, world.tracks.track_index[world.histories.values], world.histories.offsets
    )

    rows = world.tracks.rows(indexes)

    assert rows.values.tolist() == world.histories.values.tolist()
    assert rows.ids is world.histories.ids
    assert lists_of(rows) == lists_of(world.histories)


@pytest.mark.parametrize(
    ("artists", "expected"),
    [
        (["B", None, "A", "B", None, "C", "A"], [0, UNKNOWN_ARTIST, 1, 0, UNKNOWN_ARTIST, 2, 1]),
        (["B", "A", "B"], [0, 1, 0]),
        ([None, None], [UNKNOWN_ARTIST, UNKNOWN_ARTIST]),
        ([None, "B"], [UNKNOWN_ARTIST, 0]),
        (["artist", "Artist", ""], [0, 1, 2]),
    ],
)
def test_artists_are_numbered_by_their_first_track(
    connection: duckdb.DuckDBPyConnection, artists: list[str | None], expected: list[int]
) -> None:
    connection.execute("CREATE TABLE c (track_index INTEGER, artist VARCHAR)")
    rows = list(enumerate(artists))
    connection.executemany("INSERT INTO c VALUES (?, ?)", rows[::-1])

    numbers = artist_numbers(connection.table("c"))

    assert numbers.tolist() == expected
    assert numbers.dtype == np.int32
