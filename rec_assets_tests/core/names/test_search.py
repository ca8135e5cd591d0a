"""Without these, a track could be recommended after another than was asked for, and nobody would see it."""

import string
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.errors import UnreadableError
from rec_assets.core.base.tensor_file import map_tensors, write_tensors
from rec_assets.core.names.fingerprints import fingerprints
from rec_assets.core.names.likeness import LONGEST, normalise
from rec_assets.core.names.search import MOST_NEAR, Found
from rec_assets.core.names.track_names import TrackNames

Track = tuple[str | None, str, int]

SONGS: list[Track] = [
    ("Rihanna", "Umbrella", 90),
    ("Rihanna", "Rude Boy", 80),
    ("Rihanna", "Only Girl (In The World)", 70),
    ("Beyoncé", "Halo", 60),
    ("Beyonce", "Halo!", 61),
    ("Beyonce", "Sweet Dreams", 20),
    ("Katy Perry", "Firework", 50),
    ("Katy Perry", "Teenage Dream - Remastered 2020", 40),
    ("The Beatles", "Help!", 30),
    ("AC/DC", "Thunderstruck", 29),
    ("Sigur Rós", "Hoppípolla", 28),
    ("Кино", "Группа крови", 27),
    ("宇多田ヒカル", "花束を君に", 26),
    ("فيروز", "نسم علينا الهوى", 25),
    ("아이유", "좋은 날", 24),
    ("!!!", "???", 23),
    ("Schubert", "Symphony No. 5 in B-flat major", 22),
    ("Florence and the Machine", "Cosmic Love", 21),
    ("Cover Band", "Halo", 5),
    ("Rihanna", "", 4),
    (None, "Umbrella", 3),
    (None, "Untraceable", 2),
    (None, "", 1),
]


WORDS = [f"{one}{two}{three}" for one in "bdfgk" for two in "aeiou" for three in "lmnrs"]
PAIRS = [f"{one} {two}" for one in WORDS for two in WORDS]


def names_of(songs: Sequence[Track]) -> TrackNames:
    artists = sorted({artist for artist, _, _ in songs if artist is not None})
    numbers: dict[str | None, int] = {artist: number for number, artist in enumerate(artists)}
    number = [numbers.get(artist, UNKNOWN_ARTIST) for artist, _, _ in songs]
    counts = np.array([count for _, _, count in songs], np.int64)
    titles = pa.array([title for _, title, _ in songs], pa.string())
    return TrackNames.build(pa.array(artists, pa.string()), np.array(number, np.int32), titles, counts)


def song(names: TrackNames, found: Found) -> tuple[str | None, str | None] | None:
    return None if found.track is None else names.name_of(found.track)


def nearest(found: Found) -> list[tuple[str | None, str | None]]:
    return [(near.artist, near.title) for near in found.near]


@pytest.fixture(scope="module")
def names() -> TrackNames:
    return names_of(SONGS)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (("Rihanna", "Rude Boy"), ("Rihanna", "Rude Boy")),
        (("  rihanna ", "RUDE   boy!"), ("Rihanna", "Rude Boy")),
        (("rihanna", "only girl in the world"), ("Rihanna", "Only Girl (In The World)")),
        (("BEYONCÉ", "halo"), ("Beyonce", "Halo!")),  # more frequent than "Halo" by "Beyoncé"
        (("acdc", "thunder struck"), ("AC/DC", "Thunderstruck")),
        (("ac dc", "Thunderstruck"), ("AC/DC", "Thunderstruck")),
        (("sigur ros", "hoppipolla"), ("Sigur Rós", "Hoppípolla")),
        (("КИНО", "группа крови"), ("Кино", "Группа крови")),
        (("宇多田ﾋｶﾙ", "花束を君に"), ("宇多田ヒカル", "花束を君に")),
        (("فَيروز", "نسم علينا الهوى"), ("فيروز", "نسم علينا الهوى")),
        (("아이유", "좋은날"), ("아이유", "좋은 날")),
        (("!!!", "???"), ("!!!", "???")),
        (("Rihanna", ""), ("Rihanna", None)),
        (("", "umbrella"), (None, "Umbrella")),
    ],
)
def test_equal_up_to_case_accents_punctuation_and_spaces_is_exact(names, asked, expected) -> None:
    found = names.find(*asked)

    assert song(names, found) == expected
    assert found.asked == asked
    assert found.is_exact
    assert [(near.track, near.likeness) for near in found.near] == [(found.track, 100.0)]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (("Rihana", "Rude Boi"), ("Rihanna", "Rude Boy")),
        (("Katy Pery", "Firewrok"), ("Katy Perry", "Firework")),
        (("Perry Katy", "Firework"), ("Katy Perry", "Firework")),
        (("Katy Perry", "Dream Teenage"), ("Katy Perry", "Teenage Dream - Remastered 2020")),
        (("Katy Perry", "Teenage Dream"), ("Katy Perry", "Teenage Dream - Remastered 2020")),
        (("Beatles", "Help"), ("The Beatles", "Help!")),
        (("Beatles, The", "Help"), ("The Beatles", "Help!")),
        (("Rihanna feat. Jay-Z", "Umbrella"), ("Rihanna", "Umbrella")),
        (("Rihanna", "Umbrella (feat. Jay-Z)"), ("Rihanna", "Umbrella")),
        (("Rihanna", "Umbrella [Live]"), ("Rihanna", "Umbrella")),
        (("Rihanna", "Only Girl"), ("Rihanna", "Only Girl (In The World)")),
        (("Florence", "Cosmic Love"), ("Florence and the Machine", "Cosmic Love")),
        (("Кино", "Група крови"), ("Кино", "Группа крови")),
        (("Rude Boy", "Rihanna"), ("Rihanna", "Rude Boy")),
        (("Rude Boi", "Rihana"), ("Rihanna", "Rude Boy")),
        (("", "untracable"), (None, "Untraceable")),
    ],
)
def test_near_names_are_found_but_not_exact(names, asked, expected) -> None:
    found = names.find(*asked)

    assert song(names, found) == expected
    assert not found.is_exact
    assert found.near[0].track == found.track
    assert [near.likeness for near in found.near] == sorted((near.likeness for near in found.near), reverse=True)


def test_unknown_title_lists_the_artists_most_frequent_tracks(names) -> None:
    found = names.find("Rihanna", "xqzzy")

    assert (found.track, found.is_exact) == (None, False)
    assert nearest(found)[:3] == [
        ("Rihanna", "Umbrella"),
        ("Rihanna", "Rude Boy"),
        ("Rihanna", "Only Girl (In The World)"),
    ]
    assert len(found.near) <= MOST_NEAR
    assert {near.likeness for near in found.near} == {50.0}


def test_unknown_title_lists_the_artists_nearest_titles_first(names) -> None:
    found = names.find("Rihanna", "Rude Cow Boys")

    assert found.track is None
    assert nearest(found)[0] == ("Rihanna", "Rude Boy")


@pytest.mark.parametrize("artist", ["xqzzy", ""])
def test_unknown_artist_lists_the_tracks_of_that_title(names, artist) -> None:
    found = names.find(artist, "HALO")

    assert found.track is None
    assert nearest(found) == [("Beyonce", "Halo!"), ("Beyoncé", "Halo"), ("Cover Band", "Halo")]


def test_tracks_that_are_equally_near_stand_by_falling_count() -> None:
    names = names_of([(f"Band of {word}", "Halo", count % 7) for count, word in enumerate(WORDS[:21])])

    assert [near.track for near in names.find("xqzzy", "Halo").near] == [6, 13, 20, 5, 12]


def test_names_whose_keys_agree_by_chance_are_not_equal() -> None:
    names = names_of([("X", "Umbrella", 2), ("X", "Sound", 1)])
    names.title_keys[:] = names.title_keys[0]

    assert not names.find("X", "Umbrela").is_exact
    assert names.find("X", "Sound").track == 1
    names.title_keys[:] = fingerprints(["other"])[0].astype(np.uint32)
    assert names.find("X", "other").track is None


def test_nothing_near_finds_nothing(names) -> None:
    assert names.find("xqzzy", "nothing like it") == Found(("xqzzy", "nothing like it"), None, False, [])


@pytest.mark.parametrize("asked", [("", ""), (" ", "\t\n")])
def test_nothing_asked_finds_nothing(names, asked) -> None:
    assert names.find(*asked) == Found(asked, None, False, [])


SHOWN = [
    (("unknown artist", "Umbrella"), (None, "Umbrella"), True),
    (("Unknown Artist", "Untracable"), (None, "Untraceable"), False),
    (("Rihanna", "unknown track"), ("Rihanna", None), True),
    (("unknown artist", "unknown track"), None, False),
]


@pytest.mark.parametrize(("asked", "expected", "is_exact"), SHOWN)
def test_a_missing_name_is_asked_for_as_it_is_shown(names, asked, expected, is_exact) -> None:
    found = names.find(*asked)

    assert (song(names, found), found.is_exact, found.asked) == (expected, is_exact, asked)


def test_names_that_are_really_those_of_missing_ones_come_first() -> None:
    real = [("Unknown Artist", "Umbrella", 1), ("Unknown artist", "", 1), ("Rihanna", "Unknown Track", 1)]
    names = names_of([*SONGS, *real])

    for asked, expected in (
        (("unknown artist", "Umbrella"), ("Unknown Artist", "Umbrella")),
        (("unknown artist", "Untraceable"), (None, "Untraceable")),
        (("unknown artist", "unknown track"), ("Unknown artist", None)),
        (("Rihanna", "unknown track"), ("Rihanna", "Unknown Track")),
    ):
        assert song(names, names.find(*asked)) == expected


def test_no_artist_asked_and_no_title_near_does_not_list_any_track_without_artist(names) -> None:
    assert names.find("", "xqzzy").near == []


def test_who_asks_by_title_alone_is_told_the_tracks_of_that_title_first() -> None:
    songs = [(None, "Dusty Map Tonight", 9), ("X", "Blue Map Tonight", 1), ("Heart", "Alone", 1)]
    songs += [(band, "Heart", 1) for band in "ABCDE"]
    found = names_of(songs).find("", "Blue Map Tonight")

    assert found.track is None
    assert nearest(found) == [("X", "Blue Map Tonight"), (None, "Dusty Map Tonight")]
    assert nearest(names_of(songs).find("Heart", ""))[0] == ("Heart", "Alone")


def test_another_number_is_another_artist_and_the_likest_is_told_first() -> None:
    found = names_of([("artist:1804", "track:7", 9), ("artist:3876", "track:7", 1)]).find("artist:3877", "track:7")

    assert found.track is None
    assert nearest(found) == [("artist:3876", "track:7"), ("artist:1804", "track:7")]
    assert names_of([("deadmau5", "Strobe", 1)]).find("deadmaus", "Strobe").track == 0
    assert names_of([("Boyz II Men", "End of the Road", 1)]).find("Boys 2 Men", "End of the Road").track == 0


@pytest.mark.parametrize(
    ("have", "ask"), [("Symphony No. 5", "Symphony No. 6"), ("Rocky Part II", "Rocky Part III"), ("Song", "Song 2")]
)
def test_another_number_is_another_track(have: str, ask: str) -> None:
    found = names_of([("X", have, 1)]).find("X", ask)

    assert found.track is None
    assert nearest(found) == [("X", have)]


@pytest.mark.parametrize(("have", "ask"), [("Suite - Gigue", "Suite - Bourrée"), ("Halo (Live)", "Halo [Acoustic]")])
def test_another_version_is_another_track_but_goes_before_other_titles(have: str, ask: str) -> None:
    found = names_of([("X", "Frequent", 9), ("X", have, 1)]).find("X", ask)

    assert found.track is None
    assert nearest(found)[0] == ("X", have)


def test_other_guests_of_the_same_artist_may_be_meant() -> None:
    names = names_of([("X Y feat. Another", "Song", 3), ("X Y feat. Someone", "Song", 2)])

    assert song(names, names.find("X Y feat. Nobody", "Song")) == ("X Y feat. Another", "Song")
    assert song(names, names.find("X Y feat. Someome", "Song")) == ("X Y feat. Someone", "Song")


def test_the_nearer_of_two_tracks_is_meant_whatever_their_counts() -> None:
    names = names_of([("X", "Rude Toys", 9), ("X", "Rude Boys", 1), ("X", "Rude Joys", 5)])

    assert song(names, names.find("X", "Rude Boyss")) == ("X", "Rude Boys")
    assert nearest(names.find("X", "Rude Foys")) == [("X", "Rude Toys"), ("X", "Rude Joys"), ("X", "Rude Boys")]


def test_what_has_the_same_words_goes_before_what_is_equal_only_without_spaces() -> None:
    names = names_of([("X", "therapist", 9), ("X", "the rapist", 1), ("X", "THERAPIST", 8)])

    assert [names.find("X", title).track for title in ("the rapist", "therapist", "the rap ist")] == [1, 0, 0]


def test_catalog_without_any_artist_is_asked_by_title_alone() -> None:
    names = names_of([(None, "Umbrella", 1), (None, "Rude Boy", 2), (None, "Rude Girl", 3)])

    assert names.find("", "rude boy") == Found(("", "rude boy"), 1, True, names.find("", "Rude Boy").near)
    assert (names.find("", "umbrela").track, names.find("", "umbrela").is_exact) == (0, False)
    assert names.find("", "xqzzy").near == []
    assert nearest(names.find("Rihanna", "Rude Boy")) == [(None, "Rude Boy")]


def test_empty_catalog_finds_nothing() -> None:
    names = names_of([])

    assert len(names) == 0
    assert names.find("Rihanna", "Umbrella") == Found(("Rihanna", "Umbrella"), None, False, [])


def test_an_artist_of_many_tracks_is_searched_by_title() -> None:
    songs = [("Other", "Sound", 1), ("Various Artists", "Unmistakable Sound", 1)]
    names = names_of([*songs, *(("Various Artists", pair, 7) for pair in PAIRS)])

    assert names.find("Various Artist", "Unmistakeable Sounds").track == 1
    assert names.find("Various Artists", "Unmistakable (Very Long Version of the Same) Sound").track == 1
    assert [near.track for near in names.find("Various Artists", "xqzzy").near] == [2, 3, 4, 5, 6]


def test_an_artist_is_found_among_thousands_with_the_same_title() -> None:
    names = names_of([*((pair, "Song", 7) for pair in PAIRS), ("Unmistakable Sound", "Song", 1)])

    assert song(names, names.find("Unmistakeable Sounds", "Song")) == ("Unmistakable Sound", "Song")
    assert song(names, names.find("Sound", "Song")) == ("Unmistakable Sound", "Song")
    assert [near.track for near in names.find("xqzzy", "Song").near] == [0, 1, 2, 3, 4]


def test_an_artist_is_found_among_thousands_that_differ_in_their_guest() -> None:
    pairs = [(f"X feat. {pair}", "Song", 7) for pair in PAIRS]
    names = names_of([*pairs, ("X feat. Unmistakable Person", "Song", 1)])

    assert nearest(names.find("X feat. Unmistakeable Person", "Song"))[0] == ("X feat. Unmistakable Person", "Song")


@pytest.mark.parametrize(
    ("written", "asked", "others"),
    [
        ("Suite - Unmistakable Sound", "Suite - Unmistakeable Sound", "Suite - "),
        ("Unmistakable Sound (Recorded at the Old Opera House)", "Unmistakeable Sound", ""),
    ],
)
def test_a_title_is_found_among_thousands_of_its_artist_and_thousands_like_it(written, asked, others) -> None:
    of_artist = [("Various Artists", f"{others}{pair}", 7) for pair in PAIRS]
    covers = [(f"The {pair} Cover Band", written, 7) for pair in PAIRS[:3_000]]
    names = names_of([*of_artist, *covers, ("Various Artists", written, 1)])

    assert song(names, names.find("Various Artist", asked)) == ("Various Artists", written)


def test_a_title_is_found_among_thousands_where_the_artist_is_far_off() -> None:
    names = names_of([*(("Other", pair, 7) for pair in PAIRS), ("J", "Unmistakable Sound", 1)])

    assert nearest(names.find("Jay", "Unmistakeable Sound"))[0] == ("J", "Unmistakable Sound")


def test_the_order_of_artists_changes_no_answer() -> None:
    written = ["Jay Z", "JayZ", "Jay-Z", "Ray Z", "May Z", "Jay", "The Jay"]
    artist = np.arange(70, dtype=np.int32) % len(written)
    titles = [f"Song of {word}" for word in ["love", "life", "light", "lie", "lice"] * 14]
    asked = [
        ("jay z", "song of love"),
        ("jayy", "song of lov"),
        ("ay z", "life"),
        ("jayz", "xq"),
        ("no", "song of lie"),
    ]

    answers = []
    for seed in range(4):
        order = np.random.default_rng(seed).permutation(len(written))
        numbers = np.argsort(order).astype(np.int32)
        names = TrackNames.build(pa.array([written[i] for i in order]), numbers[artist], pa.array(titles), np.ones(70))
        answers.append([names.find(*each) for each in asked])

    assert all(answer == answers[0] for answer in answers)
    assert all(found.near for found in answers[0])


HOSTILE = [
    "\x00\x01\x1b[2J",
    "\ud800",
    "\u0301" * 10**6,
    "(" * 10**6,
    "x y " * 250_000,
    " " * 10**6 + "halo",
    "\ufdfa" * 10**6,
]


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_texts_are_answered_soon(names, text) -> None:
    start = time.perf_counter()
    answers = [names.find(text, text), names.find("Rihanna", text), names.find(text, "Rude Boy")]

    assert time.perf_counter() - start < 1.0
    assert [found.track for found in answers] == [None, None, None]
    assert nearest(answers[2])[0] == ("Rihanna", "Rude Boy")


def test_only_the_beginning_of_very_long_texts_is_compared() -> None:
    names = names_of([("X", "long " * 1_000 + "one", 1)])

    assert names.find("X", "long " * 2_000).is_exact
    assert len(normalise("ab" * 500)) == LONGEST


texts = st.text(max_size=12)
small_catalogs = st.lists(st.tuples(st.one_of(st.none(), texts), texts, st.integers(0, 5)), min_size=1, max_size=8)


@settings(deadline=None, max_examples=50)
@given(small_catalogs)
def test_every_track_is_found_by_its_names_or_a_more_frequent_one_that_normalises_alike(songs: list[Track]) -> None:
    names = names_of(songs)
    for artist, title, count in songs:
        found = names.find(artist or "", title)
        if not (normalise(artist or "") or normalise(title)):
            assert found.track is None
            continue
        assert found.is_exact
        assert found.track is not None
        other = songs[found.track]
        assert (normalise(other[0] or ""), normalise(other[1])) == (normalise(artist or ""), normalise(title))
        assert other[2] >= count


@st.composite
def typos(draw) -> tuple[list[str], int, str]:
    """Titles, which of them is meant, and the same with one letter inserted, deleted, replaced or exchanged."""
    letters = st.text(string.ascii_lowercase, min_size=6, max_size=16)
    titles = draw(st.lists(letters, min_size=1, max_size=6, unique=True))
    meant = draw(st.integers(0, len(titles) - 1))
    title, letter = titles[meant], draw(st.sampled_from(string.ascii_lowercase))
    at = draw(st.integers(0, len(title) - 2))
    rest = draw(st.sampled_from([letter + title[at:], title[at + 1 :], letter + title[at + 1 :]]))
    exchanged = title[:at] + title[at + 1] + title[at] + title[at + 2 :]
    return titles, meant, draw(st.sampled_from([title[:at] + rest, exchanged]))


@settings(deadline=None, max_examples=100)
@given(typos(), st.sampled_from(["Rihanna", "Rihana", "rihannna", "Rihnana"]))
def test_a_typo_in_the_title_is_found(case: tuple[list[str], int, str], artist: str) -> None:
    titles, meant, asked = case
    found = names_of([("Rihanna", title, 1) for title in titles]).find(artist, asked)

    # One typo may lead as near to another title.
    assert found.track is not None
    assert found.track == meant or titles[meant] in [near.title for near in found.near if near.likeness >= 85]


def test_read_only_maps_of_the_arrays_answer_the_same(names: TrackNames, tmp_path: Path) -> None:
    write_tensors(tmp_path / "names", names.arrays(), {})
    copy = TrackNames.from_arrays(map_tensors(tmp_path / "names")[0])

    for asked in [("Rihanna", "Umbrella"), ("Rihana", "Umbrela"), ("Halo", "Beyonce"), ("xqzzy", "Halo")]:
        assert copy.find(*asked) == names.find(*asked)
    arrow = copy.titles.to_arrow()
    assert arrow.to_pylist() == [title for _, title, _ in SONGS]
    assert arrow.buffers()[1].address == copy.titles.offsets.ctypes.data
    assert arrow.buffers()[2].address == copy.titles.data.ctypes.data
    with pytest.raises(UnreadableError, match=r"lacks titles\.data"):
        TrackNames.from_arrays({name: array for name, array in names.arrays().items() if name != "titles.data"})


def test_names_of_a_track(names: TrackNames) -> None:
    assert names.name_of(3) == ("Beyoncé", "Halo")
    assert names.name_of(len(SONGS) - 1) == (None, None)


def test_arrow_names_build_the_same() -> None:
    artist, counts = np.array([1, 0, -1]), np.array([1, 2, 3], np.uint8)
    built = TrackNames.build(pa.array(["A", "B"]), artist, pa.chunked_array([["x"], ["y", None]]), counts)

    assert built.of(np.arange(3)) == [("B", "x"), ("A", "y"), (None, None)]
    assert built.artist.dtype == np.int32
    assert built.place.tolist() == [2, 1, 0]


def test_searching_loads_no_heavy_library(names: TrackNames, tmp_path: Path) -> None:
    write_tensors(tmp_path / "names", names.arrays(), {})
    program = f"""
import sys
from pathlib import Path
from rec_assets.core.base.tensor_file import map_tensors
from rec_assets.core.names.track_names import TrackNames
names = TrackNames.from_arrays(map_tensors(Path({str(tmp_path / "names")!r}))[0])
print(names.find("Rihana", "Umbrela").track)
print(sorted({{"duckdb", "pandas", "scipy", "dagster", "gensim"}} & set(sys.modules)))
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert answer.stdout.split() == ["0", "[]"]
