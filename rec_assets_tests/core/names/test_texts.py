"""Without these, names that people hold for the same could be told apart, or others be taken for the same."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.names.fingerprints import fingerprints, smallest
from rec_assets.core.names.likeness import (
    LONGEST,
    Name,
    artist_likeness,
    bare_artist,
    bare_title,
    normalise,
    normalise_all,
    title_likeness,
)
from rec_assets.core.names.text_column import TextColumn


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=8))
def test_a_batch_is_normalised_as_its_texts_are_one_by_one(batch: list[str]) -> None:
    together = normalise_all(batch)

    assert together == [normalise(text) for text in batch]
    assert all(text == " ".join(text.split(" ")) == text.strip(" ") for text in together)
    assert [bool(text) for text in together] == [bool(text.strip()) for text in batch]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Beyoncé  KNOWLES-Carter", "beyonce knowles carter"),
        ("STRASSE Straße", "strasse strasse"),
        ("\uff26\uff55\uff4c\uff4c ½ ①", "full 1 2 1"),
        ("don't_stop", "don t stop"),
        ("が か", "か\u3099 か"),
        ("कि का", "कि का"),
        ("I \u2764\ufe0f You", "i you"),
        ("???", "???"),
        (" \U0001f600 \U0001f600 ", "\U0001f600 \U0001f600"),
        ("", ""),
    ],
)
def test_what_is_compared(text: str, expected: str) -> None:
    assert normalise(text) == expected


def test_what_is_compared_is_cut_where_one_character_becomes_many() -> None:
    compared = [normalise("a" * before + "\ufdfa" * LONGEST) for before in range(20)]  # 18 letters and spaces each

    assert {len(text) for text in compared} == {LONGEST - 1, LONGEST}
    assert not any(text.endswith(" ") for text in compared)


@pytest.mark.parametrize(
    ("artist", "expected"),
    [
        ("The Who", "who"),
        ("Who, The", "who"),
        ("The The", "the"),
        ("The", "the"),
        ("Little Feat", "little feat"),
        ("Rihanna Ft. Jay-Z", "rihanna"),
        ("A featuring B", "a"),
        ("Feat. X", "feat x"),
    ],
)
def test_bare_artists(artist: str, expected: str) -> None:
    assert bare_artist(artist) == expected


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Halo (Live) [2009]", "halo"),
        ("Halo - Remastered", "halo"),
        ("Re-Start", "re start"),
        ("(I Can't Get No) Satisfaction", "satisfaction"),
        ("(Intro)", "intro"),
        ("Halo (feat. X)", "halo"),
        ("Halo feat. X - Live", "halo"),
        ("", ""),
    ],
)
def test_bare_titles(title: str, expected: str) -> None:
    assert bare_title(title) == expected


@pytest.mark.parametrize(
    ("asked", "artist", "expected"),
    [
        ("Abba", "ABBA", 100),
        ("Beatles", "The Beatles", 98),
        ("The Beatles", "Beatles", 98),
        ("Katy Perry", "Perry, Katy", 98),
        ("Abba feat. Xenia", "Abba feat. Yolanda", 90),
        ("Abba", "Abbba", 80),
        ("Florence", "Florence and the Machine", 85),
        ("U2", "U2 and the Machine", 0),
        ("Abba", "Queen", 0),
        ("Abba", "", 0),
        ("", "", 100),
    ],
)
def test_likeness_of_artists(asked: str, artist: str, expected: float) -> None:
    assert artist_likeness(Name.of_artist(asked), Name.of_artist(artist)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("asked", "title", "expected"),
    [
        ("Halo", "halo!", 100),
        ("Halo", "Halo (Live)", 98),
        ("Halo (Live)", "Halo", 98),
        ("Halo (Live)", "Halo - Remastered", 55),
        ("Symphony No. 5", "Symphony No. 6", 50 + 12 / 13),
        ("Rude Boi", "Rude Boy", 87.5),
        ("Halo", "Umbrella", 0),
    ],
)
def test_likeness_of_titles(asked: str, title: str, expected: float) -> None:
    assert title_likeness(Name.of_title(asked), Name.of_title(title)) == pytest.approx(expected)


def test_keys_ignore_spaces_and_signatures_the_order_of_words() -> None:
    keys, signatures = fingerprints(["ac dc", "acdc", "dc ac", "", "acd c", "\x00", "\x00\x00"])

    assert keys[0] == keys[1] == keys[4]
    assert len(set(keys.tolist())) == 5
    assert signatures[0] == signatures[2] != signatures[1]
    assert signatures[3] == 0


@settings(deadline=None)
@given(st.lists(st.integers(0, 192), max_size=30), st.integers(0, 35))
def test_smallest_are_those_of_a_stable_sort(costs: list[int], most: int) -> None:
    expected = sorted(sorted(range(len(costs)), key=lambda place: costs[place])[:most])

    assert smallest(np.array(costs, np.uint8), most).tolist() == expected


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text(max_size=20), max_size=10))
def test_text_columns_give_back_any_texts(written: list[str]) -> None:
    column = TextColumn.from_arrow(pa.array(written, pa.string()))

    assert (column.data.dtype, column.offsets.dtype, len(column.offsets)) == (np.uint8, np.int64, len(written) + 1)
    assert len(column) == len(written)
    assert column.take(np.arange(len(written))) == written
    assert column.take(np.arange(len(written))[::-1]) == written[::-1]
    assert column.to_arrow().to_pylist() == written
    assert TextColumn.from_arrow(column.to_arrow()).to_arrow().to_pylist() == written
    assert TextColumn.from_arrow(column.to_arrow()[1:-1]).to_arrow().to_pylist() == written[1:-1]
    assert set(vars(column)) == {"data", "offsets"}


@pytest.mark.parametrize(
    "arrow",
    [
        pa.array(["a", None, "é"]),
        pa.array(["a", None, "é"], pa.large_string()),
        pa.array(["a", None, "é"], pa.string_view()),
        pa.array(["x", "a", None, "é", "y"])[1:4],
        pa.array(["a", None, "é"]).dictionary_encode(),
        pa.chunked_array([pa.array(["a"]), pa.array([None, "é"], pa.string())]),
    ],
    ids=["string", "large", "view", "slice", "dictionary", "chunked"],
)
def test_text_columns_are_made_of_any_arrow_texts(arrow) -> None:
    assert TextColumn.from_arrow(arrow).to_arrow().to_pylist() == ["a", "", "é"]


def test_bytes_below_a_null_are_no_text() -> None:
    buffers = [pa.py_buffer(bytes([0b01])), pa.py_buffer(np.array([0, 1, 3], np.int64)), pa.py_buffer(b"abc")]

    assert TextColumn.from_arrow(pa.Array.from_buffers(pa.large_string(), 2, buffers)).to_arrow().to_pylist() == [
        "a",
        "",
    ]


def test_text_columns_of_nothing_but_null_are_empty_texts() -> None:
    assert TextColumn.from_arrow(pa.array([None, None])).to_arrow().to_pylist() == ["", ""]
    assert TextColumn.from_arrow(pa.chunked_array([], pa.string())).to_arrow().to_pylist() == []
