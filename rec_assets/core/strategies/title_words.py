"""What is in the training playlists whose titles share words with this one's."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.playlists.titles import word_numbers, words_of
from rec_assets.core.strategies.sparse import SparseRows, SparseScores
from rec_assets.core.strategies.tracks import Tracks

# A word says something if two training playlists have it, and not most of them.
_FEWEST, _MOST = 2, 0.5
# Of a word so few rows count as much as all playlists together: tried on synthetic titles of genres and of artists.
_PRIOR = 300
# These bound time and memory: training playlists that are read of a word, the last tracks of each, and tracks kept.
_READ, _LONGEST, _TRACKS_PER_WORD = 5_000, 1_000, 300


@dataclass(frozen=True)
class TitleWords:
    """Scores a track by the words of the playlist's title; what is in the playlist says nothing here.

    Each word is a distribution over tracks, those of the training playlists that have it in their titles, smoothed by
    that of all playlists (Zhai & Lafferty 2004, "A study of smoothing methods for language models applied to
    information retrieval": a Dirichlet prior). The score is the sum over the words of the title, each weighted by how
    far its distribution is from that of all (Kullback-Leibler), so that "my" and "mix" count for little.

    Attributes:
        words: (w,) uint64 numbers of the known words, ascending.
        to_tracks: (w, t) scores of the most frequent tracks of each word.
    """

    words: np.ndarray
    to_tracks: SparseRows
    batch = 1_024

    @classmethod
    def fit(cls, tracks: Tracks, training: FlatSequences) -> "TitleWords":
        """Learn from the titles of the ``training`` playlists of rows, if they have any."""
        from rec_assets.core.strategies import loops

        words, to_playlists = _known_words(training)
        held, starts = loops.distinct(training.values, training.offsets, len(tracks), _LONGEST)
        to_tracks = SparseRows(starts, held, np.ones(len(held), np.float32), len(tracks))
        rows = to_playlists.times_vectors(np.diff(starts)[:, None].astype(np.float32)).ravel()
        counts = to_playlists.times(to_tracks, _TRACKS_PER_WORD)
        word, common = counts.owners(), np.bincount(held, minlength=len(tracks))[counts.columns] / max(len(held), 1)
        shares = (counts.values + _PRIOR * common) / (rows[word] + _PRIOR)
        told = np.bincount(word, weights=shares * np.log(shares / common), minlength=len(words))
        return cls(words, replace(counts, values=(np.maximum(told, 0)[word] * shares).astype(np.float32)))

    def arrays(self) -> dict[str, np.ndarray]:
        """See :class:`~rec_assets.core.strategies.answers.Strategy`."""
        return {"words": self.words} | self.to_tracks.arrays("to_tracks")

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], tracks: Tracks) -> "TitleWords":
        """The inverse of :meth:`arrays`."""
        return cls(arrays["words"], SparseRows.from_arrays(arrays, "to_tracks", len(tracks)))

    def knows(self, numbers: np.ndarray) -> np.ndarray:
        """(n,) bool, which of these ``numbers`` (n,) of words it knows."""
        return np.searchsorted(self.words, numbers, "right") > np.searchsorted(self.words, numbers)

    def known_words(self, histories: FlatSequences) -> SparseRows:
        """(m, w) 1 for each word of each title that is known."""
        own, starts = _words_in(histories)
        columns = np.searchsorted(self.words, own).astype(np.int32)
        return SparseRows(starts, columns, np.ones(len(own), np.float32), len(self.words)).where(self.knows(own))

    def score(self, histories: FlatSequences) -> SparseScores:
        """Scores of the best tracks of the words in each title; the rest is 0."""
        return SparseScores(self.known_words(histories).times(self.to_tracks))


def _known_words(training: FlatSequences) -> tuple[np.ndarray, SparseRows]:
    """Numbers (w,) uint64, ascending, of the words that say something, and (w, n) 1 for playlists that have them."""
    from rec_assets.core.strategies import loops

    own, starts = _words_in(training)
    words, place, playlists = np.unique(own, return_inverse=True, return_counts=True)
    begins, holders = loops.transposed(starts, place.astype(np.int32), len(words))
    all_rows = SparseRows(begins, holders, np.ones(len(holders), np.float32), len(training))
    known = np.flatnonzero((playlists >= _FEWEST) & (playlists <= _MOST * len(training)))
    rows = all_rows.taken(known)
    first = np.arange(len(rows.columns)) - np.repeat(rows.starts[:-1], np.diff(rows.starts)) < _READ
    return words[known], rows.where(first)


def _words_in(sequences: FlatSequences) -> tuple[np.ndarray, np.ndarray]:
    """Numbers (e,) uint64 of the words in the title of each of ``sequences`` (n,), and (n + 1,) where each begins."""
    titles = [] if sequences.titles is None else sequences.titles.tolist()
    known = {title: word_numbers(words_of(title)) for title in dict.fromkeys(titles)}
    words = [known[title] for title in titles]
    counts = [len(own) for own in words] if titles else [0] * len(sequences)
    return np.concatenate([np.empty(0, np.uint64), *words]), np.cumsum([0, *counts])
