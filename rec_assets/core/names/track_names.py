"""The names of the tracks, in arrays that are mapped from a file, and the search for a track by them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.tensor_file import of_prefix, require_arrays, with_prefix
from rec_assets.core.names.fingerprints import fingerprints
from rec_assets.core.names.likeness import normalise_all
from rec_assets.core.names.search import Found, FoundArtist, search, search_artist
from rec_assets.core.names.suggestions import suggest
from rec_assets.core.names.text_column import TextColumn

_TEXTS = ("artists", "titles")
_BATCH = 100_000  # texts that are normalised together: some 100 MB


@dataclass(eq=False)
class TrackNames:
    """The names of ``t`` tracks and an index over them: 24 bytes per track besides the names themselves.

    Artists that normalise alike up to spaces are one *group*; there are ``g``, including the artist without a name.

    Attributes:
        artists: (a,) artists as they are written, by artist number.
        artist: (t,) int32 number of each track's artist, ``UNKNOWN_ARTIST`` where there is none.
        titles: (t,) titles as they are written, by track index; "" = unknown.
        place: (t,) int32 place of each track by falling count, the lower track index first among equals.
        group_keys: (g,) uint64, rising: the key of each group's name.
        group_signatures: (g,) uint64.
        group_offsets: (g + 1,) int64; the tracks of group ``i`` are ``tracks[group_offsets[i]:group_offsets[i + 1]]``.
        tracks: (t,) int32 tracks group by group, by falling count within it.
        title_keys: (t,) uint32, the lower half of the titles' keys, in the order of ``tracks``.
        title_signatures: (t,) uint64, in the order of ``tracks``.
    """

    artists: TextColumn
    artist: np.ndarray
    titles: TextColumn
    place: np.ndarray
    group_keys: np.ndarray
    group_signatures: np.ndarray
    group_offsets: np.ndarray
    tracks: np.ndarray
    title_keys: np.ndarray
    title_signatures: np.ndarray

    @classmethod
    def build(
        cls,
        artists: pa.Array | pa.ChunkedArray,
        artist: np.ndarray,
        titles: pa.Array | pa.ChunkedArray,
        counts: np.ndarray,
        on_progress: Callable[[int, int], None] = lambda done, total: None,
    ) -> "TrackNames":
        """Index the names.

        Args:
            artists: (a,) names by artist number.
            artist: (t,) number of each track's artist, ``UNKNOWN_ARTIST`` where there is none.
            titles: (t,) by track index; null or "" = unknown.
            counts: (t,) popularity of each track, in any unit: it decides among names that are equally near.
            on_progress: called with how many titles are done, and of how many.
        """
        artist_texts, title_texts = TextColumn.from_arrow(artists), TextColumn.from_arrow(titles)
        artist_keys, artist_signatures = _fingerprints(artist_texts)
        title_keys, title_signatures = _fingerprints(title_texts, on_progress)
        group_keys, group = _groups(artist_keys, artist)
        # Backwards twice, so that a stable sort gives falling counts and rising track indexes.
        falling = (len(counts) - 1 - np.argsort(counts[::-1], kind="stable")[::-1]).astype(np.int32)
        tracks = falling[np.argsort(group[falling], kind="stable")]
        offsets = np.searchsorted(group[tracks], np.arange(len(group_keys) + 1)).astype(np.int64)
        # Of a group's names the most frequent one counts, so that the numbers of the artists do not matter.
        signatures = np.append(artist_signatures, fingerprints([""])[1])[artist[tracks[offsets[:-1]]]]
        place = np.empty(len(tracks), np.int32)
        place[falling] = np.arange(len(tracks), dtype=np.int32)
        return cls(
            artists=artist_texts,
            artist=artist.astype(np.int32, copy=False),
            titles=title_texts,
            place=place,
            group_keys=group_keys,
            group_signatures=signatures,
            group_offsets=offsets,
            tracks=tracks,
            title_keys=title_keys[tracks].astype(np.uint32),
            title_signatures=title_signatures[tracks],
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays by name, from which :meth:`from_arrays` makes the names again."""
        own = {field.name: getattr(self, field.name) for field in fields(self) if field.name not in _TEXTS}
        return own | with_prefix(vars(self.artists), "artists") | with_prefix(vars(self.titles), "titles")

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "TrackNames":
        """The inverse of :meth:`arrays`, over the same memory. Raises UnreadableError: an array is missing."""
        own = [field.name for field in fields(cls) if field.name not in _TEXTS]
        require_arrays(arrays, [*own, *(f"{name}.{part}" for name in _TEXTS for part in ("data", "offsets"))])
        parts: dict[str, Any] = {name: arrays[name] for name in own}
        parts |= {name: TextColumn(**of_prefix(arrays, name)) for name in _TEXTS}
        return cls(**parts)

    def __len__(self) -> int:
        """Number of tracks."""
        return len(self.tracks)

    def of(self, tracks: np.ndarray) -> list[tuple[str | None, str | None]]:
        """Artist and title of each of ``tracks`` (r,) as written, None where one is unknown."""
        numbers = self.artist[tracks]
        is_known = numbers != UNKNOWN_ARTIST
        artists = iter(self.artists.take(numbers[is_known]))
        return [
            ((next(artists) or None) if known else None, title or None)
            for known, title in zip(is_known.tolist(), self.titles.take(tracks), strict=True)
        ]

    def columns(self, tracks: np.ndarray) -> tuple[pa.Array, pa.Array]:
        """What :meth:`of` gives, as two columns of text with nulls: for many ``tracks`` (r,)."""
        numbers = self.artist[tracks]
        artists = self.artists.to_arrow().take(pa.array(numbers, mask=numbers == UNKNOWN_ARTIST))
        return _or_null(artists), _or_null(self.titles.to_arrow().take(pa.array(tracks)))

    def name_of(self, track: int) -> tuple[str | None, str | None]:
        """What :meth:`of` says of one ``track``."""
        return self.of(np.array([track]))[0]

    def spellings(self, tracks: np.ndarray) -> np.ndarray:
        """A uint64 for each of ``tracks``, of any shape; those that are spelt alike share it.

        Alike is equal up to case, accents, punctuation and spaces. Of a title 32 bits are looked at, so that two titles
        of one artist share them by chance once in four thousand million.
        """
        where = self._position[tracks]
        group = np.searchsorted(self.group_offsets, where, side="right") - 1
        return group.astype(np.uint64) << np.uint64(32) | self.title_keys[where]

    def of_group(self, group: int) -> np.ndarray:
        """The tracks of one ``group`` of artists, by falling count."""
        return self.tracks[self.group_offsets[group] : self.group_offsets[group + 1]]

    def spelt_like(self, track: int) -> np.ndarray:
        """The tracks that share their spelling (:meth:`spellings`) with ``track``, itself among them."""
        where = self._position[track]
        group = int(np.searchsorted(self.group_offsets, where, side="right")) - 1
        first, last = self.group_offsets[group : group + 2]
        return self.of_group(group)[self.title_keys[first:last] == self.title_keys[where]]

    @cached_property
    def nameless(self) -> int | None:
        """The number of the group of artists without a name; None if every track has an artist."""
        return self.find_artist("", spelling=False).group

    @cached_property
    def _position(self) -> np.ndarray:
        """(t,) int32 where in ``tracks`` each track stands."""
        position = np.empty(len(self), np.int32)
        position[self.tracks] = np.arange(len(self), dtype=np.int32)
        return position

    @cached_property
    def by_count(self) -> np.ndarray:
        """(t,) int32 the tracks by falling count: the inverse of ``place``."""
        by_count = np.empty(len(self), np.int32)
        by_count[self.place] = np.arange(len(self), dtype=np.int32)
        return by_count

    @cached_property
    def signatures(self) -> np.ndarray:
        """(t,) uint64 of artist and title together, in the order of ``by_count``."""
        both = self.title_signatures | np.repeat(self.group_signatures, np.diff(self.group_offsets))
        return both[self._position[self.by_count]]

    def find(self, artist: str, title: str, *, spelling: bool = True) -> Found:
        """The track meant by ``artist`` and ``title``, however they are spelt, and up to five near it.

        Without ``spelling`` only one that is equal up to case, accents, punctuation and spaces, which is quick.
        """
        return search(self, artist, title, spelling=spelling)

    def find_artist(self, artist: str, *, spelling: bool = True) -> FoundArtist:
        """The artists called ``artist``; with ``spelling`` also up to five that are spelt like it, if there are none.

        Nothing is guessed: what is not equal up to case, accents, punctuation and spaces is not found.
        """
        return search_artist(self, artist, spelling=spelling)

    def suggest(self, query: str, *, most: int) -> list[int]:
        """Up to ``most`` track indexes for a few letters of artist, title or both (:func:`suggestions.suggest`)."""
        return suggest(self, query, most=most)


def _or_null(texts: pa.LargeStringArray) -> pa.Array:
    """``texts`` with null in place of the empty one, which says that a name is unknown."""
    is_empty = np.diff(np.frombuffer(texts.buffers()[1], np.int64, len(texts) + 1)) == 0
    named = np.flatnonzero(~is_empty)
    places = np.zeros(len(texts), np.int64)
    places[named] = named
    return texts.take(pa.array(places, mask=is_empty)).cast(pa.string())


def _groups(keys: np.ndarray, artist: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rising keys (g,) of the groups that have tracks, and the group (t,) of each track; ``keys`` (a,) by artist."""
    # The unknown artist is number -1: its key, that of the empty name, is last.
    by_artist = np.concatenate([keys, fingerprints([""])[0]])
    used, place = np.unique(artist, return_inverse=True)
    group_keys, group = np.unique(by_artist[used], return_inverse=True)
    return group_keys, group[place]


def _fingerprints(
    texts: TextColumn, on_progress: Callable[[int, int], None] = lambda done, total: None
) -> tuple[np.ndarray, np.ndarray]:
    arrow, parts = texts.to_arrow(), [fingerprints([])]
    for start in range(0, len(texts), _BATCH):
        parts.append(fingerprints(normalise_all(arrow.slice(start, _BATCH).to_pylist())))
        on_progress(min(start + _BATCH, len(texts)), len(texts))
    keys, signatures = zip(*parts, strict=True)
    return np.concatenate(keys), np.concatenate(signatures)
