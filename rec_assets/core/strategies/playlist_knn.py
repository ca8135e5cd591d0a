"""The training playlists most like a history, and what is in them."""

import numpy as np
from scipy.sparse import csr_matrix

from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.strategies.sparse import keep_best, product, recency_weights, scaled
from rec_assets.core.strategies.sparse_scores import SparseScores
from rec_assets.core.tracks import Tracks


def playlist_track_matrix(sequences: FlatSequences, tracks: int) -> csr_matrix:
    """(n, tracks) float32, 1 where the playlist holds the track, however often."""
    ones = np.ones(len(sequences.values), np.float32)
    # A copy, since the tracks of each playlist are put in order in place.
    matrix = csr_matrix((ones, sequences.values.copy(), sequences.offsets.copy()), shape=(len(sequences), tracks))
    matrix.sum_duplicates()
    matrix.data[:] = 1
    return matrix


class PlaylistKnn:
    """Nearest-neighbour playlists: VS-KNN (Ludewig & Jannach 2018, "Evaluation of session-based recommendation
    algorithms", section 3.2), with damping of long playlists and of popular tracks as is usual in item
    neighbourhoods (Aiolli 2013, "Efficient top-N recommendation for very large scale binary rated datasets").

    The similarity of a history and a playlist is the sum, over the tracks they share, of recency weight times
    ``idf ** idf_power``, over ``length ** length_damping`` of the playlist. The score of a track is the sum of
    the similarities of the ``neighbours`` most similar playlists that hold it, over
    ``playlists holding it ** popularity_damping``.
    """

    # A history of 50 tracks meets most playlists, and its neighbours hold some 50,000 tracks: 0.5 MB each.
    batch = 128

    def __init__(
        self,
        tracks: Tracks,
        training: FlatSequences,
        *,
        neighbours: int = 1_000,
        decay: float = 0.9,
        length: int = 50,
        idf_power: float = 2.0,
        length_damping: float = 0.5,
        popularity_damping: float = 0.25,
    ) -> None:
        self._neighbours, self._decay, self._length = neighbours, decay, length
        held = playlist_track_matrix(training, len(tracks))
        playlists = np.maximum(np.bincount(held.indices, minlength=len(tracks)), 1).astype(np.float64)
        idf = np.log((len(training) + 1) / playlists)
        lengths = np.maximum(np.diff(held.indptr), 1).astype(np.float64)
        to_playlists = scaled(csr_matrix(held.T), idf**idf_power, lengths**-length_damping)
        self._to_playlists, self._to_tracks = to_playlists, scaled(held, columns=playlists**-popularity_damping)
        self._tracks = len(tracks)

    def score(self, histories: FlatSequences) -> SparseScores:
        """Scores of the tracks in the most similar playlists; the rest is 0."""
        weights = recency_weights(histories, self._tracks, decay=self._decay, length=self._length)
        neighbours = keep_best(product(weights, self._to_playlists), self._neighbours)
        return SparseScores(product(neighbours, self._to_tracks))

    def held_together(self, row: int, others: np.ndarray) -> np.ndarray:
        """(o,) how many training playlists hold both the track ``row`` and each of ``others`` (o,)."""
        own = self._holders(row)
        shared = [len(np.intersect1d(own, self._holders(other), assume_unique=True)) for other in others.tolist()]
        return np.array(shared, np.int64)

    def _holders(self, row: int) -> np.ndarray:
        start, end = self._to_playlists.indptr[row : row + 2]
        return self._to_playlists.indices[start:end]
