"""What is in the training playlists whose titles share words with this one's."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.playlists.titles import word_numbers, words_of
from rec_assets.core.strategies.sparse import SparseRows, SparseScores
from rec_assets.core.strategies.tracks import Tracks

# A word says something if its playlists share this many times as many tracks as any playlists of their lengths do;
# so many are added to both numbers, since of few playlists chance decides.
_LIFT, _PRIOR_PAIRS = 1.5, 2.0
# Of a word so few rows count as much as all playlists together: tried on synthetic titles of genres and of artists.
_PRIOR_ROWS = 300
# These bound time and memory: training playlists that are read of a word, the last tracks of each, and tracks kept.
_READ, _LONGEST, _TRACKS_PER_WORD = 2_000, 1_000, 300


@dataclass(frozen=True)
class TitleWords:
    """Scores a track by the words of the playlist's title; what is in the playlist says nothing here.

    Each word is a distribution over tracks, those of the training playlists that have it in their titles, smoothed by
    that of all playlists (Zhai & Lafferty 2004, "A study of smoothing methods for language models applied to
    information retrieval": a Dirichlet prior). The score is the sum over the words of the title, each weighted by the
    logarithm of how many times as many tracks its playlists share as any playlists do. Words where that is less than
    1.5, such as "my", "mix" or a number, are not known.

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
        from rec_assets.core.strategies import sparse_loops

        words, to_playlists = _playlists_by_word(training)
        held, starts = sparse_loops.distinct(training.values, training.offsets, len(tracks), _LONGEST)
        to_tracks = SparseRows(starts, held, np.ones(len(held), np.float32), len(tracks))
        playlists = np.bincount(held, minlength=len(tracks))
        lifts = _lifts(to_playlists, to_tracks, playlists)
        known = np.flatnonzero(lifts >= _LIFT)
        counts = to_playlists.taken(known).times(to_tracks, _TRACKS_PER_WORD)
        word = counts.owners()
        rows = to_playlists.taken(known).times_vectors(np.diff(starts)[:, None].astype(np.float32))[word, 0]
        common = playlists[counts.columns] / max(len(held), 1)
        shares = (counts.values + _PRIOR_ROWS * common) / (rows + _PRIOR_ROWS)
        return cls(words[known], replace(counts, values=(np.log(lifts[known])[word] * shares).astype(np.float32)))

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


def _playlists_by_word(training: FlatSequences) -> tuple[np.ndarray, SparseRows]:
    """Numbers (w,) uint64, ascending, of the words that two playlists have, and (w, n) 1 for these playlists."""
    from rec_assets.core.strategies import sparse_loops

    own, starts = _words_in(training)
    words, place, playlists = np.unique(own, return_inverse=True, return_counts=True)
    begins, holders = sparse_loops.transposed(starts, place.astype(np.int32), len(words))
    several = np.flatnonzero(playlists > 1)
    by_word = SparseRows(begins, holders, np.ones(len(holders), np.float32), len(training)).taken(several)
    return words[several], by_word.where(np.arange(len(by_word.columns)) - by_word.starts[by_word.owners()] < _READ)


def _lifts(to_playlists: SparseRows, to_tracks: SparseRows, playlists: np.ndarray) -> np.ndarray:
    """(w,) how many times as many tracks the playlists of each word share as any playlists of their lengths do.

    ``playlists`` (t,) hold each track.
    """
    from rec_assets.core.strategies import sparse_loops

    lengths = np.diff(to_tracks.starts).astype(np.float64)
    pairs = (playlists.astype(np.float64) * (playlists - 1)).sum() / 2
    rate = pairs / max((lengths.sum() ** 2 - (lengths**2).sum()) / 2, 1)
    rows, squares = to_playlists.times_vectors(np.column_stack([lengths, lengths**2])).T.astype(np.float64)
    expected = rate * (rows**2 - squares) / 2
    shared = sparse_loops.shared_pairs(to_playlists.parts, to_tracks.parts, to_tracks.width)
    return (shared + _PRIOR_PAIRS) / (expected + _PRIOR_PAIRS)


def _words_in(sequences: FlatSequences) -> tuple[np.ndarray, np.ndarray]:
    """Numbers (e,) uint64 of the words in the title of each of ``sequences`` (n,), and (n + 1,) where each begins."""
    titles = [""] * len(sequences) if sequences.titles is None else sequences.titles.tolist()
    found = {title: words_of(title) for title in dict.fromkeys(titles)}
    words = list(chain.from_iterable(found[title] for title in titles))
    distinct = list(dict.fromkeys(words))
    numbers = dict(zip(distinct, word_numbers(distinct).tolist(), strict=True))
    own = np.array([numbers[word] for word in words], np.uint64)
    return own, np.cumsum([0, *(len(found[title]) for title in titles)])
