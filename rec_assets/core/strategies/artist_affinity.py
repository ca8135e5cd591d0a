"""More of the artists in the history."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.strategies.sparse import SparseRows, SparseScores, recency
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

    to_artists: SparseRows
    to_tracks: SparseRows
    batch = 1_024

    @classmethod
    def fit(cls, tracks: Tracks) -> "ArtistAffinity":
        """Group the ``tracks`` by artist."""
        known = tracks.artist != UNKNOWN_ARTIST
        artists = int(tracks.artist.max(initial=-1)) + 1
        starts = np.concatenate([np.zeros(1, np.int64), np.cumsum(known)])
        own = tracks.artist[known]
        to_artists = SparseRows(starts, own, np.ones(len(own), np.float32), artists)
        trained = np.flatnonzero(known & (tracks.count > 0))
        # Rows stand by falling count, so the first of an artist are its most popular.
        order = trained[np.argsort(tracks.artist[trained], kind="stable")]
        artist = tracks.artist[order]
        place = np.arange(len(order)) - np.searchsorted(artist, artist)
        order, artist = order[place < _TRACKS_PER_ARTIST], artist[place < _TRACKS_PER_ARTIST]
        starts = np.searchsorted(artist, np.arange(artists + 1))
        weights = np.sqrt(tracks.count[order]).astype(np.float32)
        return cls(to_artists, SparseRows(starts, order.astype(np.int32), weights, len(tracks)))

    def arrays(self) -> dict[str, np.ndarray]:
        """See :class:`~rec_assets.core.strategies.answers.Strategy`."""
        return self.to_artists.arrays("to_artists") | self.to_tracks.arrays("to_tracks")

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], tracks: Tracks) -> "ArtistAffinity":
        """The inverse of :meth:`arrays`."""
        to_tracks = SparseRows.from_arrays(arrays, "to_tracks", len(tracks))
        return cls(SparseRows.from_arrays(arrays, "to_artists", len(to_tracks)), to_tracks)

    def affinity(self, histories: FlatSequences) -> SparseRows:
        """(m, artists) recency-weighted share (0..1) of each artist in each history."""
        weights = recency(histories, len(self.to_artists), decay=_DECAY, length=_LENGTH)
        shares = weights.values / weights.row_sums()[weights.owners()]
        return replace(weights, values=shares).times(self.to_artists)

    def score(self, histories: FlatSequences) -> SparseScores:
        """Scores of the tracks of the artists in the history; the rest is 0."""
        return SparseScores(self.affinity(histories).times(self.to_tracks))
