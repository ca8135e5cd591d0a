"""Tracks by falling count, their artists' numbers, and sequences as slices of flat arrays."""

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.strategies.tracks import Tracks, artist_numbers
from rec_assets_tests.core.slow_strategies import lists_of, sequences_of, worlds

LISTS = st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=6)


def splitmix(number: int) -> int:
    """The first number of splitmix64 from this seed, in whole numbers."""
    number = (number + 0x9E3779B97F4A7C15) % 2**64
    number = (number ^ number >> 30) * 0xBF58476D1CE4E5B9 % 2**64
    number = (number ^ number >> 27) * 0x94D049BB133111EB % 2**64
    return number ^ number >> 31


@settings(deadline=None, max_examples=60)
@given(LISTS, st.integers(10, 14))
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


@settings(deadline=None, max_examples=60)
@given(LISTS, st.slices(6))
def test_a_part_is_that_of_a_list(lists: list[list[int]], part: slice) -> None:
    part = slice(part.start, part.stop)
    found = sequences_of(lists)[part]

    assert lists_of(found) == lists[part]
    assert found.ids.tolist() == [f"p{number}" for number in range(len(lists))][part]
    assert len(found) == len(lists[part])
    assert found.offsets[0] == 0
    assert found.lengths().tolist() == [len(one) for one in lists[part]]
    assert lists_of(found[1:]) == lists[part][1:]


@settings(deadline=None, max_examples=60)
@given(LISTS.filter(len), st.data())
def test_cuts_histories_and_choices_are_those_of_lists(lists: list[list[int]], data: st.DataObject) -> None:
    flat = sequences_of(lists)
    chosen = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=6))
    cuts = [data.draw(st.integers(0, len(lists[one]))) for one in chosen]

    cut = flat.cut_at(np.array(chosen, np.int64), np.array(cuts, np.int64))
    assert lists_of(cut) == [lists[one][:end] for one, end in zip(chosen, cuts, strict=True)]
    assert cut.ids.tolist() == [f"p{one}" for one in chosen]
    assert cut.offsets.dtype == np.int64

    kept = data.draw(st.lists(st.booleans(), min_size=len(flat.values), max_size=len(flat.values)))
    left = flat.where(np.array(kept, bool))
    flags = iter(kept)
    assert lists_of(left) == [[track for track in one if next(flags)] for one in lists]
    assert left.ids.tolist() == flat.ids.tolist()

    filled = [one for one in lists if one]
    assert lists_of(sequences_of(filled).histories()) == [one[:-1] for one in filled]
