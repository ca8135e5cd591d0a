"""Sequences of integers in two flat arrays: 4 bytes per track, where lists of ``int`` take 40."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from rec_assets.core.base.arrow import numbers_in

if TYPE_CHECKING:
    from rec_assets.core.base.relations import Relation  # duckdb: not for an answer

# A 64-bit number in place of (user_id, playlist), the same in every table and run; other pairs have other numbers, but
# by a chance of 1 in 37 million among a million playlists. It does not show who made the playlist.
PLAYLIST_HASH = "md5_number_lower(strlen(playlist) || '-' || playlist || coalesce('-' || user_id, ''))"

# gensim silently ignores everything after the 10,000th word of a sentence.
LONGEST_SENTENCE = 10_000


@dataclass(frozen=True)
class FlatSequences:
    """``n`` sequences of ``m`` tracks in all.

    Attributes:
        ids: (n,) uint64 numbers of the playlists; those of a table are hashes of user and name, see ``PLAYLIST_HASH``.
        values: (m,) int32 track indexes, one sequence after the other.
        offsets: (n + 1,) int64; sequence ``i`` is ``values[offsets[i]:offsets[i + 1]]``.
        titles: (n,) text, as objects, of which one sequence may have ``""``; None where no sequence has a title.
    """

    ids: np.ndarray
    values: np.ndarray
    offsets: np.ndarray
    titles: np.ndarray | None = None

    @classmethod
    def from_relation(cls, sequences: "Relation") -> "FlatSequences":
        """Read ``user_id, playlist, track_indexes`` batch by batch, in the order of ``sequences``."""
        ids, values, lengths, titles = [], [], [np.zeros(1, np.int64)], []
        for batch in sequences.select(f"{PLAYLIST_HASH}, track_indexes, playlist").to_arrow_reader(100_000):
            tracks = batch.column(1)
            ids.append(numbers_in(batch.column(0)))
            values.append(numbers_in(tracks.flatten().cast(pa.int32())))
            lengths.append(np.diff(numbers_in(tracks.offsets)).astype(np.int64))
            titles += batch.column(2).to_pylist()
        return cls(
            ids=np.concatenate(ids) if ids else np.empty(0, np.uint64),
            values=np.concatenate(values) if values else np.empty(0, np.int32),
            offsets=np.cumsum(np.concatenate(lengths)),
            titles=np.array(titles, object),
        )

    def __len__(self) -> int:
        """Number of sequences."""
        return len(self.offsets) - 1

    def __getitem__(self, part: slice) -> "FlatSequences":
        """The sequences of a ``part`` without step, such as ``[10:20]``."""
        start, stop, _ = part.indices(len(self))
        stop = max(start, stop)
        first, last = self.offsets[start], self.offsets[stop]
        return FlatSequences(
            self.ids[start:stop],
            self.values[first:last],
            self.offsets[start : stop + 1] - first,
            None if self.titles is None else self.titles[start:stop],
        )

    def tracks_of(self, sequence: int) -> np.ndarray:
        """The tracks of one ``sequence``, by its place."""
        return self.values[self.offsets[sequence] : self.offsets[sequence + 1]]

    def owners(self) -> np.ndarray:
        """(m,) the place of the sequence of each of the values."""
        return np.repeat(np.arange(len(self)), self.lengths())

    def lengths(self) -> np.ndarray:
        """(n,) tracks of each sequence."""
        return np.diff(self.offsets)

    def cut_at(self, sequence: np.ndarray, length: np.ndarray) -> "FlatSequences":
        """The first ``length`` (q,) tracks of each ``sequence`` (q,), in that order; repeats are allowed."""
        offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(length, dtype=np.int64)])
        positions = np.arange(offsets[-1]) + np.repeat(self.offsets[sequence] - offsets[:-1], length)
        titles = None if self.titles is None else self.titles[sequence]
        return FlatSequences(self.ids[sequence], self.values[positions], offsets, titles)

    def at(self, sequence: np.ndarray) -> "FlatSequences":
        """Each ``sequence`` (q,), by its place, whole and in that order."""
        return self.cut_at(sequence, self.lengths()[sequence])

    def histories(self) -> "FlatSequences":
        """Each sequence without its last track, which is held out."""
        return self.cut_at(np.arange(len(self)), self.lengths() - 1)

    def where(self, kept: np.ndarray) -> "FlatSequences":
        """The sequences without the tracks at which ``kept`` (m,) is false; one may become empty."""
        before = np.concatenate([np.zeros(1, np.int64), np.cumsum(kept, dtype=np.int64)])
        return replace(self, values=self.values[kept], offsets=before[self.offsets])

    def from_the_end(self, back: int) -> np.ndarray:
        """(n,) the track ``back`` places from the end of each sequence, 0 = the last; IndexError if one is shorter."""
        if len(self) and back >= int(self.lengths().min()):
            raise IndexError(f"a sequence has no track {back} places from its end")
        return self.values[self.offsets[1:] - 1 - back]

    def sentences(self) -> Iterator[list[int]]:
        """The sequences as lists, longer ones cut into pieces that gensim reads whole."""
        for start, end in zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True):
            for piece in range(start, end, LONGEST_SENTENCE):
                yield self.values[piece : min(end, piece + LONGEST_SENTENCE)].tolist()
