"""Without these, parts and cuts of flat arrays could mix one playlist's tracks with another's."""

from dataclasses import replace

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.base.flat_sequences import LONGEST_SENTENCE, FlatSequences
from rec_assets_tests.core.strategies.slow_strategies import lists_of, sequences_of


def titled(lists: list[list[int]]) -> FlatSequences:
    """Each list with itself as its title."""
    return replace(sequences_of(lists), titles=np.array([str(one) for one in lists], object))


def titles_of(sequences: FlatSequences) -> list[str]:
    assert sequences.titles is not None
    return sequences.titles.tolist()


LISTS = st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=6)


def test_a_relation_becomes_flat_arrays(connection: duckdb.DuckDBPyConnection) -> None:
    flat = FlatSequences.from_relation(
        connection.sql(
            "SELECT NULL AS user_id, unnest(['a', 'b']) AS playlist, unnest([[0, 0, 1], [0, 2]]) AS track_indexes"
        )
    )

    assert (flat.values.tolist(), flat.values.dtype, flat.offsets.tolist()) == ([0, 0, 1, 0, 2], np.int32, [0, 3, 5])
    assert flat.titles is not None
    assert flat.titles.tolist() == ["a", "b"]
    assert (flat.from_the_end(0).tolist(), flat.from_the_end(1).tolist()) == ([1, 2], [0, 0])
    with pytest.raises(IndexError):
        flat.from_the_end(2)


def test_a_playlist_has_one_number_in_every_table_which_no_other_has(connection: duckdb.DuckDBPyConnection) -> None:
    named = [("a-b", "c"), ("a", "b-c"), (None, "a-b-c"), (None, "c"), ("", "c"), ("c", ""), (None, "1-c"), ("1", "c")]
    connection.execute("CREATE TABLE p (user_id VARCHAR, playlist VARCHAR, track_indexes INTEGER[])")
    connection.executemany("INSERT INTO p VALUES (?, ?, [1])", named)

    numbers = FlatSequences.from_relation(connection.table("p")).ids

    assert (numbers.dtype, len(set(numbers.tolist()))) == (np.uint64, len(named))
    alone = FlatSequences.from_relation(connection.table("p").filter("playlist = 'b-c'"))
    assert alone.ids.tolist() == [numbers[1]]


def test_a_sequence_longer_than_gensim_reads_is_cut_and_not_cut_off() -> None:
    long = list(range(LONGEST_SENTENCE + 5))
    pieces = list(sequences_of([long, [1, 2]]).sentences())

    assert [len(piece) for piece in pieces] == [LONGEST_SENTENCE, 5, 2]
    assert pieces[0] + pieces[1] == long


@settings(deadline=None, max_examples=40)
@given(LISTS, st.slices(6))
def test_a_part_is_that_of_a_list(lists: list[list[int]], part: slice) -> None:
    part = slice(part.start, part.stop)
    found = titled(lists)[part]

    assert lists_of(found) == lists[part]
    assert found.ids.tolist() == list(range(len(lists)))[part]
    assert titles_of(found) == [str(one) for one in lists[part]]
    assert len(found) == len(lists[part])
    assert found.offsets[0] == 0
    assert found.lengths().tolist() == [len(one) for one in lists[part]]
    assert lists_of(found[1:]) == lists[part][1:]


@settings(deadline=None, max_examples=40)
@given(LISTS.filter(len), st.data())
def test_cuts_histories_and_choices_are_those_of_lists(lists: list[list[int]], data: st.DataObject) -> None:
    flat = titled(lists)
    chosen = data.draw(st.lists(st.integers(0, len(lists) - 1), max_size=6))
    cuts = [data.draw(st.integers(0, len(lists[one]))) for one in chosen]

    cut = flat.cut_at(np.array(chosen, np.int64), np.array(cuts, np.int64))
    assert lists_of(cut) == [lists[one][:end] for one, end in zip(chosen, cuts, strict=True)]
    assert cut.ids.tolist() == chosen
    assert titles_of(cut) == [str(lists[one]) for one in chosen]
    assert cut.offsets.dtype == np.int64

    kept = data.draw(st.lists(st.booleans(), min_size=len(flat.values), max_size=len(flat.values)))
    left = flat.where(np.array(kept, bool))
    flags = iter(kept)
    assert lists_of(left) == [[track for track in one if next(flags)] for one in lists]
    assert left.ids.tolist() == flat.ids.tolist()
    assert titles_of(left) == titles_of(flat)

    filled = [one for one in lists if one]
    assert lists_of(sequences_of(filled).histories()) == [one[:-1] for one in filled]
