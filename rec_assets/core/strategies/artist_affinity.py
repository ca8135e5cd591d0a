"""More of the artists that the history holds."""

import numpy as np
from scipy.sparse import csr_matrix

from rec_assets.core.artists import UNKNOWN_ARTIST
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.strategies.sparse import product, recency_weights, row_sums, scaled
from rec_assets.core.strategies.sparse_scores import SparseScores
from rec_assets.core.tracks import Tracks


class ArtistAffinity:
    """Scores a track by the recency-weighted share of its artist in the history, times ``count ** 0.5``.

    A track of the catalog that never occurs in training is never an answer, though its artist is known: it is in the
    catalog because a held-out playlist holds it, and a ranker learns from that to hit four of five targets of which
    training says nothing at all.
    """

    batch = 1_024

    def __init__(self, tracks: Tracks, *, tracks_per_artist: int = 100, decay: float = 0.9, length: int = 50) -> None:
        self._decay, self._length, self._tracks = decay, length, len(tracks)
        known = np.flatnonzero(tracks.artist != UNKNOWN_ARTIST)
        artists = int(tracks.artist.max(initial=-1)) + 1
        ones = np.ones(len(known), np.float32)
        self._to_artists = csr_matrix((ones, (known, tracks.artist[known])), shape=(len(tracks), artists))
        trained = known[tracks.count[known] > 0]
        # Rows stand by falling count, so the first of an artist are its most popular.
        order = trained[np.argsort(tracks.artist[trained], kind="stable")]
        artist = tracks.artist[order]
        place = np.arange(len(order)) - np.searchsorted(artist, artist)
        order, artist = order[place < tracks_per_artist], artist[place < tracks_per_artist]
        weights = np.sqrt(tracks.count[order]).astype(np.float32)
        self._to_tracks = csr_matrix((weights, (artist, order)), shape=(artists, len(tracks)))

    def affinity(self, histories: FlatSequences) -> csr_matrix:
        """(m, artists) recency-weighted share (0..1) of each artist in each history."""
        weights = recency_weights(histories, self._tracks, decay=self._decay, length=self._length)
        return product(scaled(weights, 1 / row_sums(weights)), self._to_artists)

    def score(self, histories: FlatSequences) -> SparseScores:
        """Scores of the tracks of the artists in the history; the rest is 0."""
        return SparseScores(product(self.affinity(histories), self._to_tracks))
