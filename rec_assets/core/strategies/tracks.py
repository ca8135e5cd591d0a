"""The tracks as strategies see them: by falling popularity in training, each with its artist's number."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.flat_sequences import FlatSequences

if TYPE_CHECKING:
    from rec_assets.core.base.relations import Relation


@dataclass(frozen=True)
class Tracks:
    """All ``t`` tracks of the catalog; a *row* is a place in these arrays.

    Counts are those of the training playlists, since the catalog counts held-out playlists, too. Tracks of equal count
    are in the order of a fixed hash, since ``track_index`` follows the catalog's counts. The lowest row wins every tie.

    Attributes:
        track_index: (t,) int32, the track's number in the catalog.
        count: (t,) int64 occurrences in the training playlists, falling; 0 = never in training.
        artist: (t,) int32 number of the artist, ``UNKNOWN_ARTIST`` where the catalog names none.
        row_of: (t,) int32 row by ``track_index``.
    """

    track_index: np.ndarray
    count: np.ndarray
    artist: np.ndarray
    row_of: np.ndarray

    @classmethod
    def count_in(cls, training: FlatSequences, artists: np.ndarray) -> "Tracks":
        """Count the tracks of the ``training`` playlists; ``artists`` (t,) is by track index."""
        count = np.bincount(training.values, minlength=len(artists))
        track_index = np.lexsort((_shuffled(np.arange(len(artists))), -count)).astype(np.int32)
        row_of = np.empty(len(artists), np.int32)
        row_of[track_index] = np.arange(len(artists))
        return cls(track_index, count[track_index], artists[track_index], row_of)

    def __len__(self) -> int:
        """Number of tracks."""
        return len(self.track_index)

    def rows(self, sequences: FlatSequences) -> FlatSequences:
        """The same sequences with rows in place of track indexes."""
        return replace(sequences, values=self.row_of[sequences.values])


def artist_numbers(track_catalog: "Relation") -> np.ndarray:
    """(t,) int32 number of each track's artist by ``track_index``; ``UNKNOWN_ARTIST`` where there is none."""
    from rec_assets.core.base.relations import query  # duckdb: not for an answer

    numbered = query(
        track_catalog,
        "tracks",
        """SELECT CASE WHEN artist IS NULL THEN -1 ELSE min(track_index) OVER (PARTITION BY artist) END AS number
           FROM tracks ORDER BY track_index""",
    )
    first_track = np.asarray(numbered.fetchnumpy()["number"])
    known, numbers = np.unique(first_track, return_inverse=True)
    return (numbers - (known[:1] == UNKNOWN_ARTIST).sum()).astype(np.int32)


def _shuffled(indexes: np.ndarray) -> np.ndarray:
    """A fixed one-to-one hash of 64-bit numbers (splitmix64; Steele et al. 2014)."""
    mixed = indexes.astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))
