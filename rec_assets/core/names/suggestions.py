"""Tracks that a few typed letters may mean: first those whose names hold all the words, then those spelt like them."""

from typing import TYPE_CHECKING

import numpy as np
from rapidfuzz.distance import OSA

from rec_assets.core.names.fingerprints import fingerprints, incompleteness, signature_of_parts, smallest, unlikeness
from rec_assets.core.names.likeness import normalise, normalise_all

if TYPE_CHECKING:
    from rec_assets.core.names.track_names import TrackNames

# How many names are read of those that may hold the words, the most frequent ones, and how many at a time.
_READ, _AT_A_TIME = 2_000, 250
# How many are compared that are spelt alike: artists, tracks of each, and tracks by their title or by both names.
_ARTISTS, _TRACKS_OF_ARTIST, _TRACKS = 60, 5, 200
_MOST_WORDS = 12
# On average a letter in four may be wrong.
_ALIKE = 0.75


def suggest(names: "TrackNames", query: str, *, most: int) -> list[int]:
    """Up to ``most`` track indexes for the words of ``query``, of artist, title or both, in any order.

    Words may be parts of words. First come names in which all stand at the beginning of words, then those that hold
    them elsewhere, both by falling count, then misspelt ones, by falling likeness. Of tracks spelt alike one is shown.
    """
    # More say nothing more, and each is compared with each word of hundreds of names.
    words = list(dict.fromkeys(normalise(query).split()))[:_MOST_WORDS]
    if not words:
        return []
    found = _one_of_each_spelling(names, _holding(names, words, most))[:most]
    if len(found) < most:
        found = _one_of_each_spelling(names, [*found, *_alike(names, words)])
    return found[:most]


def _holding(names: "TrackNames", words: list[str], most: int) -> list[int]:
    wanted = signature_of_parts(words)
    places = np.flatnonzero((names.signatures & wanted) == wanted)[:_READ]
    beginning: list[int] = []
    within: list[int] = []
    for start in range(0, len(places), _AT_A_TIME):
        tracks = names.by_count[places[start : start + _AT_A_TIME]]
        for track, text in zip(tracks.tolist(), _texts(names, tracks), strict=True):
            if all(word in text for word in words):
                (beginning if all(f" {word}" in text for word in words) else within).append(track)
        # As many again may be spelt like one of the others.
        if len(beginning) >= 2 * most:
            break
    return [*beginning, *within[: 2 * most]]


def _alike(names: "TrackNames", words: list[str]) -> list[int]:
    whole = fingerprints([" ".join(words)])[1][0]
    groups = smallest(unlikeness(names.group_signatures, whole), _ARTISTS)
    own = (
        names.tracks[names.group_offsets[group] : names.group_offsets[group + 1]][:_TRACKS_OF_ARTIST]
        for group in groups
    )
    titled = names.tracks[smallest(unlikeness(names.title_signatures, whole), _TRACKS)]
    both = names.by_count[smallest(incompleteness(names.signatures, whole), _TRACKS)]
    tracks = np.unique(np.concatenate([*own, titled, both]))
    likeness = [_likeness(words, text.split()) for text in _texts(names, tracks)]
    ranked = sorted(zip(likeness, (-names.place[tracks]).tolist(), tracks.tolist(), strict=True), reverse=True)
    return [track for found, _, track in ranked if found >= _ALIKE]


def _likeness(words: list[str], names: list[str]) -> float:
    """0..1: how much of each word is in the name that is most like it, or in its beginning, on average by letter."""
    best = (max((_likeness_of_one(word, name) for name in names), default=0.0) for word in words)
    lengths = list(map(len, words))
    return sum(one * length for one, length in zip(best, lengths, strict=True)) / sum(lengths)


def _likeness_of_one(word: str, name: str) -> float:
    return max(OSA.normalized_similarity(word, name), OSA.normalized_similarity(word, name[: len(word)]))


def _texts(names: "TrackNames", tracks: np.ndarray) -> list[str]:
    """The names of ``tracks``, artist first, normalised, each word after a space."""
    written = [text or "" for pair in names.of(tracks) for text in pair]
    normal = normalise_all(written)
    return [f" {artist} {title}" for artist, title in zip(normal[::2], normal[1::2], strict=True)]


def _one_of_each_spelling(names: "TrackNames", tracks: list[int]) -> list[int]:
    first: dict[int, int] = {}
    for spelling, track in zip(names.spellings(np.array(tracks, np.int64)).tolist(), tracks, strict=True):
        first.setdefault(spelling, track)
    return list(first.values())
