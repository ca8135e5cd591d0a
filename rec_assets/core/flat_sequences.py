"""Sequences of integers in two flat arrays: 4 bytes per track, where lists of ``int`` take 40."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rec_assets.core.relations import Relation

# gensim ignores what stands after the 10,000th word of a sentence, without a word.
LONGEST_SENTENCE = 10_000


@dataclass(frozen=True)
class FlatSequences:
    """``n`` sequences of ``m`` tracks in all.

    Attributes:
        ids: (n,) playlist ids.
        values: (m,) int32 track indexes, one sequence after the other.
        offsets: (n + 1,) int64; sequence ``i`` is ``values[offsets[i]:offsets[i + 1]]``.
    """

    ids: np.ndarray
    values: np.ndarray
    offsets: np.ndarray

    @classmethod
    def from_relation(cls, sequences: Relation) -> "FlatSequences":
        """Read ``playlist_id, track_indexes`` batch by batch, in the order of ``sequences``."""
        ids, values, lengths = [], [], [np.zeros(1, np.int64)]
        for batch in sequences.select("playlist_id", "track_indexes").to_arrow_reader(100_000):
            tracks = batch.column(1)
            ids.append(batch.column(0).to_numpy(zero_copy_only=False))
            values.append(tracks.flatten().cast(pa.int32()).to_numpy())
            lengths.append(np.diff(tracks.offsets.to_numpy()).astype(np.int64))
        return cls(
            ids=np.concatenate(ids) if ids else np.empty(0, object),
            values=np.concatenate(values) if values else np.empty(0, np.int32),
            offsets=np.cumsum(np.concatenate(lengths)),
        )

    def __len__(self) -> int:
        """Number of sequences."""
        return len(self.offsets) - 1

    def from_the_end(self, back: int) -> np.ndarray:
        """(n,) the track ``back`` places from the end of each sequence; 0 is the last.

        Raises:
            IndexError: a sequence is shorter than that.
        """
        if len(self) and back >= int(np.diff(self.offsets).min()):
            raise IndexError(f"a sequence has no track {back} places from its end")
        return self.values[self.offsets[1:] - 1 - back]

    def sentences(self) -> Iterator[list[int]]:
        """The sequences as lists, longer ones cut into pieces that gensim reads whole."""
        for start, end in zip(self.offsets[:-1].tolist(), self.offsets[1:].tolist(), strict=True):
            for piece in range(start, end, LONGEST_SENTENCE):
                yield self.values[piece : min(end, piece + LONGEST_SENTENCE)].tolist()
