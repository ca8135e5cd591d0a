"""Examples to learn from: playlists cut at several places, the next track being the answer."""

from dataclasses import dataclass

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences

# As in evaluation, where a playlist has at least three tracks.
SHORTEST_HISTORY = 2


@dataclass(frozen=True)
class Examples:
    """``m`` histories of rows, and ``targets`` (m,), the row that follows each."""

    histories: FlatSequences
    targets: np.ndarray

    def __len__(self) -> int:
        """Number of examples."""
        return len(self.targets)


def cut_examples(playlists: FlatSequences, *, more_cuts: int, limit: int, seed: int) -> Examples:
    """One example per playlist with its last track as the target, and ``more_cuts`` at random earlier places.

    Args:
        playlists: of at least two tracks, in random order.
        more_cuts: drawn per playlist; the same place counts once, and short playlists have fewer.
        limit: at most so many examples: only the first playlists are used.
        seed: draws the places.
    """
    lengths = playlists.lengths()
    draws = np.random.default_rng(seed).random((len(playlists), more_cuts))
    earlier = SHORTEST_HISTORY + (draws * np.maximum(lengths - 1 - SHORTEST_HISTORY, 0)[:, None]).astype(np.int64)
    cuts = np.column_stack([np.minimum(earlier, lengths[:, None] - 1), lengths - 1])
    widest = int(lengths.max(initial=0)) + 1
    keys = np.unique(np.arange(len(playlists))[:, None] * widest + cuts)[:limit]
    sequence, cut = keys // widest, keys % widest
    return Examples(playlists.cut_at(sequence, cut), playlists.values[playlists.offsets[sequence] + cut])
