"""Search for a track: first names equal to the query, then names near it, as given and with both fields exchanged.

Signatures propose some thousand tracks out of millions; then the names themselves are compared.
"""

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from rec_assets.core.base.artists import SHOWN_ARTIST, SHOWN_TITLE
from rec_assets.core.names.fingerprints import fingerprints, incompleteness, smallest, unlikeness
from rec_assets.core.names.likeness import (
    NEAR,
    NOISE,
    OTHER_FIELDS,
    SURE,
    Name,
    artist_likeness,
    normalise,
    title_likeness,
    without_spaces,
)

if TYPE_CHECKING:
    from rec_assets.core.names.track_names import TrackNames

MOST_NEAR = 5
# How many are compared by name.
_ARTISTS_COMPARED = 300
_ARTISTS = 12
_TITLES_OF_ARTIST = 60
_TITLES_OF_ALL = 300
_EQUALS = 1_000


@dataclass(frozen=True)
class NearTrack:
    """A track whose name is near the query.

    Attributes:
        track: its ``track_index``.
        artist, title: as they are written, None where unknown.
        likeness: 0..100, of artist and title together; 100 = equal up to case, accents, punctuation and spaces.
    """

    track: int
    artist: str | None
    title: str | None
    likeness: float


@dataclass(frozen=True)
class Found:
    """The answer to one search.

    Attributes:
        asked: artist and title of the query.
        track: ``track_index`` of the best match, None if none is sure enough.
        is_exact: whether it is equal up to case, accents, punctuation and spaces.
        near: candidates for "did you mean", best first; ``track`` is the first if there is one, and the only one if
            it is exact.
        is_searched: whether other spellings were looked for, too, if none is exact.
    """

    asked: tuple[str, str]
    track: int | None
    is_exact: bool
    near: list[NearTrack]
    is_searched: bool = True


@dataclass(frozen=True)
class FoundArtist:
    """The answer to the search for an artist.

    Attributes:
        asked: the name of the query.
        group: number of the group of artists who are called so, up to case, accents, punctuation and spaces; None if
            there is none.
        near: artists who are spelt like it if there is none, as they are written, best first.
    """

    asked: str
    group: int | None
    near: list[str]


@dataclass(frozen=True)
class _Asked:
    """Artist and title of a query, and what the index knows them by."""

    artist: Name
    title: Name
    artist_key: np.uint64
    title_key: np.uint32
    artist_signatures: np.ndarray  # (2,) of the name and of the bare name
    title_signatures: np.ndarray

    @classmethod
    def of(cls, artist: str, title: str) -> "_Asked":
        names = Name.of_artist(artist), Name.of_title(title)
        keys, signatures = fingerprints([text for name in names for text in (name.normal, name.bare)])
        return cls(*names, keys[0], keys[2].astype(np.uint32), signatures[:2], signatures[2:])


def search(names: "TrackNames", artist: str, title: str, *, spelling: bool = True) -> Found:
    """The track meant by ``artist`` and ``title``, however they are spelt, and up to ``MOST_NEAR`` near it.

    Without ``spelling`` only an exact one, which takes a thousandth of the time.

    An empty field asks for a track without it; so does one spelt as a missing name is shown, unless a track has that
    name.
    """
    readings = _readings(artist, title)
    for reading in readings:
        exact = _exact(names, _Asked.of(*reading))
        if exact is not None:
            return Found((artist, title), exact, True, [_near_track(names, exact, 100.0)])
    if not spelling:
        return Found((artist, title), None, False, [], is_searched=False)
    likeness: dict[int, float] = {}
    for one, other in readings:
        for asked, cost in ((_Asked.of(one, other), 0.0), (_Asked.of(other, one), OTHER_FIELDS)):
            # Who asks by title alone may not know the artist.
            for track, found in _near(names, asked, any_artist=not (cost or normalise(one))).items():
                likeness[track] = max(likeness.get(track, 0.0), found - cost)
    best = sorted(likeness, key=lambda track: (-likeness[track], names.place[track]))
    is_sure = bool(best) and likeness[best[0]] >= SURE
    near = [_near_track(names, track, likeness[track]) for track in best[:MOST_NEAR] if likeness[track] >= NEAR]
    return Found((artist, title), best[0] if is_sure else None, False, near)


def search_artist(names: "TrackNames", artist: str, *, spelling: bool = True) -> FoundArtist:
    """The artists called ``artist``; empty, or as a missing name is shown, those without a name.

    With ``spelling`` also up to ``MOST_NEAR`` near it if there are none, which takes a hundred times as long.
    """
    for reading in [artist, ""] if normalise(artist) == SHOWN_ARTIST else [artist]:
        group = _group_of(names, fingerprints([normalise(reading)])[0][0])
        if group is not None:
            return FoundArtist(artist, group, [])
    if not (spelling and normalise(artist)):
        return FoundArtist(artist, None, [])
    near = _near_groups(names, _Asked.of(artist, ""))[:MOST_NEAR]
    _, written, _ = _texts(names, names.group_offsets[np.array(near, np.int64)])
    return FoundArtist(artist, None, written)


def _readings(artist: str, title: str) -> list[tuple[str, str]]:
    """What may be meant, as it is written first; none where both are empty."""
    artists = [artist, ""] if normalise(artist) == SHOWN_ARTIST else [artist]
    titles = [title, ""] if normalise(title) == SHOWN_TITLE else [title]
    return [reading for reading in product(artists, titles) if any(map(normalise, reading))]


def _near_track(names: "TrackNames", track: int, likeness: float) -> NearTrack:
    return NearTrack(track, *names.name_of(track), round(likeness, 1))


def _exact(names: "TrackNames", asked: _Asked) -> int | None:
    """The most frequent track equal to the query, before those that are equal only without their spaces."""
    group = _group_of(names, asked.artist_key)
    if group is None:
        return None
    first, last = names.group_offsets[group : group + 2]
    equal = first + np.flatnonzero(names.title_keys[first:last] == asked.title_key)[:_EQUALS]
    wanted, without = (asked.artist.normal, asked.title.normal), None
    for track, *texts in zip(*_texts(names, equal), strict=True):
        found = (normalise(texts[0]), normalise(texts[1]))
        if found == wanted:
            return track
        # Keys may agree by chance.
        if without is None and [*map(without_spaces, found)] == [*map(without_spaces, wanted)]:
            without = track
    return without


def _group_of(names: "TrackNames", key: np.uint64) -> int | None:
    group = int(np.searchsorted(names.group_keys, key))
    return group if group < len(names.group_keys) and names.group_keys[group] == key else None


def _near(names: "TrackNames", asked: _Asked, *, any_artist: bool) -> dict[int, float]:
    """Likeness of the candidates, by track; with ``any_artist`` those with the title are all but sure."""
    groups = _near_groups(names, asked)
    places = [_in_group(names, group, asked) for group in groups]
    places += [smallest(unlikeness(names.title_signatures, asked.title_signatures[0]), _TITLES_OF_ALL)]
    same_title = np.flatnonzero(names.title_keys == asked.title_key)
    places += [same_title[np.argsort(names.place[names.tracks[same_title]], kind="stable")[:_TITLES_OF_ALL]]]
    tracks, artists, titles = _texts(names, np.unique(np.concatenate(places)))
    of_artist = {artist: artist_likeness(asked.artist, Name.of_artist(artist)) for artist in set(artists)}
    of_title = {title: title_likeness(asked.title, Name.of_title(title)) for title in set(titles)}
    by_title = {title: SURE - 1 if any_artist and found == 100.0 else 0.0 for title, found in of_title.items()}
    return {
        track: max(_joint(asked, of_artist[artist], of_title[title]), by_title[title])
        for track, artist, title in zip(tracks, artists, titles, strict=True)
    }


def _joint(asked: _Asked, artist: float, title: float) -> float:
    # Where the query has no artist or no title, that field says no more than the other.
    artist = artist if asked.artist.normal else min(artist, title)
    title = title if asked.title.normal else min(artist, title)
    return (artist + title) / 2  # one right and one wrong is half right


def _near_groups(names: "TrackNames", asked: _Asked) -> list[int]:
    """Groups whose artist is near the query's, nearest first; those without artist only if the query has none."""
    whole, bare = asked.artist_signatures
    proposed = [
        smallest(unlikeness(names.group_signatures, whole), _ARTISTS_COMPARED),
        smallest(incompleteness(names.group_signatures, bare), _ARTISTS_COMPARED),
    ]
    groups = np.unique(np.concatenate(proposed))
    first = names.group_offsets[groups]
    tracks, artists, _ = _texts(names, first)
    ranked = sorted(
        (-artist_likeness(asked.artist, Name.of_artist(artist)), names.place[track], group)
        for track, artist, group in zip(tracks, artists, groups.tolist(), strict=True)
    )
    return [group for cost, _, group in ranked[:_ARTISTS] if cost <= -NOISE]


def _in_group(names: "TrackNames", group: int, asked: _Asked) -> np.ndarray:
    """Places in ``names.tracks`` of the titles near the query's, and of the most frequent ones."""
    first, last = names.group_offsets[group : group + 2]
    signatures = names.title_signatures[first:last]
    whole, bare = asked.title_signatures
    near = [
        smallest(unlikeness(signatures, whole), _TITLES_OF_ARTIST),
        smallest(incompleteness(signatures, bare), _TITLES_OF_ARTIST),
        np.arange(min(MOST_NEAR, len(signatures))),
    ]
    return first + np.concatenate(near)


def _texts(names: "TrackNames", places: np.ndarray) -> tuple[list[int], list[str], list[str]]:
    """Tracks at ``places`` in ``names.tracks``, and their artists and titles as written, "" = unknown."""
    tracks = names.tracks[places]
    numbers = names.artist[tracks]
    artists = np.full(len(tracks), "", object)
    artists[numbers >= 0] = names.artists.take(numbers[numbers >= 0])
    return tracks.tolist(), artists.tolist(), names.titles.take(tracks)
