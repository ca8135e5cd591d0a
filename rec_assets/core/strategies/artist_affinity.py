"""More of the artists in the history."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.strategies.sparse import SparseScores, arrays_of, matrix_of, product, recency, row_sums, scaled
from rec_assets.core.strategies.tracks import Tracks

_DECAY, _LENGTH = 0.9, 50  # of the history: as in playlist neighbourhoods
_TRACKS_PER_ARTIST = 100  # bounds memory; the ranker is shown no more of them either


@dataclass(frozen=True)
class ArtistAffinity:
    """Scores a track by the recency-weighted share of its artist in the history, times ``count ** 0.5``.

    A track that never occurs in training is never an answer, though its artist is known: it is in the catalog because
    a held-out playlist holds it, and a ranker would learn to recommend such tracks.

    Attributes:
        to_artists: (t, a) 1 where the track is of the artist.
        to_tracks: (a, t) weights of the most frequent tracks of each artist.
    """

    to_artists: csr_matrix
    to_tracks: csr_matrix
    batch = 1_024

    @classmethod
    def fit(cls, tracks: Tracks) -> "ArtistAffinity":
        """Group the ``tracks`` by artist."""
        known = np.flatnonzero(tracks.artist != UNKNOWN_ARTIST)
        artists = int(tracks.artist.max(initial=-1)) + 1
        ones = np.ones(len(known), np.float32)
        to_artists = csr_matrix((ones, (known, tracks.artist[known])), shape=(len(tracks), artists))
        trained = known[tracks.count[known] > 0]
        # Rows stand by falling count, so the first of an artist are its most popular.
        order = trained[np.argsort(tracks.artist[trained], kind="stable")]
        artist = tracks.artist[order]
        place = np.arange(len(order)) - np.searchsorted(artist, artist)
        order, artist = order[place < _TRACKS_PER_ARTIST], artist[place < _TRACKS_PER_ARTIST]
        weights = np.sqrt(tracks.count[order]).astype(np.float32)
        return cls(to_artists, csr_matrix((weights, (artist, order)), shape=(artists, len(tracks))))

    def arrays(self) -> dict[str, np.ndarray]:
        """See :class:`~rec_assets.core.strategies.answers.Strategy`."""
        return arrays_of("to_artists", self.to_artists) | arrays_of("to_tracks", self.to_tracks)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], tracks: Tracks) -> "ArtistAffinity":
        """The inverse of :meth:`arrays`."""
        artists = len(arrays["to_tracks.indptr"]) - 1
        return cls(matrix_of("to_artists", arrays, artists), matrix_of("to_tracks", arrays, len(tracks)))

    def affinity(self, histories: FlatSequences) -> csr_matrix:
        """(m, artists) recency-weighted share (0..1) of each artist in each history."""
        tracks = int(self.to_artists.get_shape()[0])
        weights = recency(histories, tracks, decay=_DECAY, length=_LENGTH)
        return product(scaled(weights, 1 / row_sums(weights)), self.to_artists)

    def score(self, histories: FlatSequences) -> SparseScores:
        """Scores of the tracks of the artists in the history; the rest is 0."""
        return SparseScores(product(self.affinity(histories), self.to_tracks))
