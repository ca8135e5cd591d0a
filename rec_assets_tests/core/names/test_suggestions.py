"""Search as you type; without this a track could not be found by what is typed of it, or bury what is more frequent."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.names.likeness import normalise
from rec_assets.core.names.track_names import TrackNames

# Artist and title by falling count.
TRACKS = [
    ("Rihanna", "Umbrella"),
    ("Motörhead", "Ace of Spades"),
    ("ABBA", "Dancing Queen"),
    ("Queen", "Radio Ga Ga"),
    ("The Beatles", "Yesterday"),
    ("the beatles", "YESTERDAY"),
    ("Rihanna", "Rude Boy"),
    (None, "Queen of Nothing"),
    ("椎名林檎", "丸の内サディスティック"),
    ("Conqueen", "A"),
    (None, None),
]


def names_of(tracks: list[tuple[str | None, str | None]]) -> TrackNames:
    artists = sorted({artist for artist, _ in tracks if artist})
    numbers = np.array([artists.index(artist) if artist else -1 for artist, _ in tracks], np.int32)
    counts = np.arange(len(tracks), 0, -1)
    return TrackNames.build(pa.array(artists, pa.string()), numbers, pa.array([title for _, title in tracks]), counts)


NAMES = names_of(TRACKS)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("r", [0, 3, 6]),  # the most frequent ones, whose words begin so
        ("umb", [0]),
        ("QUEEN", [2, 3, 7, 9]),  # a part of a word comes last
        ("boy rihanna", [6]),
        ("motorhead spades", [1]),
        ("rihana rude", [6]),
        ("yestreday", [4]),  # one of two that are spelt alike
        ("beatels", [4]),
        ("林檎", [8]),
        ("qqqq", []),
        (" \t", []),
        ("\x00", []),
    ],
)
def test_what_is_typed_finds_its_tracks_the_most_frequent_first(query, found) -> None:
    assert NAMES.suggest(query, most=8)[: len(found) or None] == found


def test_no_more_than_asked_for_are_suggested() -> None:
    assert NAMES.suggest("queen", most=2) == [2, 3]


@settings(max_examples=40)
@given(st.lists(st.tuples(st.text(max_size=12), st.text(min_size=1, max_size=12)), min_size=1, max_size=8, unique=True))
def test_every_track_is_found_by_its_own_name_or_one_spelt_like_it_is(tracks) -> None:
    names = names_of([(artist or None, title) for artist, title in tracks])
    spelt = names.spellings(np.arange(len(tracks)))
    for track, (artist, title) in enumerate(tracks):
        words = f"{artist} {title}"
        if normalise(words) and normalise(words) == normalise(f"{normalise(artist)} {normalise(title)}"):
            found = names.suggest(words, most=len(tracks))
            assert spelt[track] in spelt[np.array(found, np.int64)]
