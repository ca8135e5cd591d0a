"""The training playlists most like a history, and what stands in them near the tracks that both hold."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.strategies.sparse import SparseRows, SparseScores, recency
from rec_assets.core.strategies.tracks import Tracks

# These two bound time and memory. On two real sets 400 or 1,000 neighbours changed no hit rate of playlist_knn by more
# than 0.002, and 100 lowered one by 0.013; half or twice the length changed none by more than 0.002.
_NEIGHBOURS, _LENGTH = 200, 50
# And these two, which bite on no set tried, whatever its shape: without them the time of an answer grew with the number
# of playlists that hold a popular track, and with the longest playlist. 100 of each, on two real sets where a track is
# in up to 239 playlists, and one has up to 322 tracks, changed no hit rate of playlist_knn by more than 0.003.
_READ, _LONGEST = 1_000, 1_000


class PlaylistKnnSettings(Settings):
    """How playlists are compared with a history; the defaults are the best of those tried on two real sets."""

    playlist_knn_decay: float = setting(
        0.95,
        "playlist_knn: each step back from the end of the playlist multiplies a track's weight by this; 1 = all "
        "tracks weigh the same.",
        gt=0,
        le=1,
    )
    playlist_knn_distance_decay: float = setting(
        0.9,
        "playlist_knn: each step between a track of a similar playlist and one that this playlist shares with it "
        "multiplies its weight by this; 1 = where it stands does not matter.",
        gt=0,
        le=1,
    )
    playlist_knn_idf_power: float = setting(
        2.0,
        "playlist_knn: weight of rare tracks when two playlists are compared, as a power of their rarity; 0 = all "
        "tracks weigh the same.",
        ge=0,
        le=10,
    )
    playlist_knn_length_damping: float = setting(
        0.5,
        "playlist_knn: the similarity to a playlist is divided by its length to this power; 0 favours long playlists.",
        ge=0,
        le=2,
    )
    playlist_knn_popularity_damping: float = setting(
        0.25,
        "playlist_knn: a track's score is divided by the number of playlists with it to this power; 0 favours "
        "popular tracks.",
        ge=0,
        le=2,
    )


@dataclass(frozen=True)
class PlaylistKnn:
    """Nearest-neighbour playlists in which positions count: VSTAN (Ludewig et al. 2021, "Empirical analysis of
    session-based recommendation algorithms", section 3.1), of VS-KNN (Ludewig & Jannach 2018) and STAN (Garg et al.
    2019), with damping of long playlists and of popular tracks as is usual in item neighbourhoods (Aiolli 2013,
    "Efficient top-N recommendation for very large scale binary rated datasets").

    A track of the history weighs its recency times ``idf ** idf_power``. The similarity of a history and a playlist is
    the sum of the weights of the tracks they share, over ``length ** length_damping`` of the playlist. The score of a
    track is a sum over the 200 most similar playlists that hold it: of the weights of the shared tracks, each times
    ``distance_decay ** steps between both``, over ``length ** length_damping``; and all of it over
    ``playlists holding it ** popularity_damping``. With a distance decay of 1 that is VS-KNN.

    Of a track of the history the first 1,000 playlists that hold it are compared, a random sample, as their order is
    that of a hash; so a history of nothing but popular tracks may miss its nearest ones. And a longer playlist is its
    last 1,000 tracks: what stands before them is not found by it. A track that comes again in a playlist is where it
    comes first.

    Attributes:
        to_playlists: (t, n) damping of the playlists that hold a track.
        to_tracks: (n, t) damping of the tracks that a playlist holds, in its order.
    """

    to_playlists: SparseRows
    to_tracks: SparseRows
    asked: PlaylistKnnSettings
    # The neighbours of a history hold some 20,000 tracks: 0.2 MB each.
    batch = 128

    @classmethod
    def fit(cls, tracks: Tracks, training: FlatSequences, settings: PlaylistKnnSettings) -> "PlaylistKnn":
        """Index the ``training`` playlists of rows."""
        from rec_assets.core.strategies import sparse_loops

        held, starts = sparse_loops.distinct(training.values, training.offsets, len(tracks), _LONGEST)
        begins, holders = sparse_loops.transposed(starts, held, len(tracks))
        lengths = np.maximum(np.diff(starts), 1).astype(np.float64) ** -settings.playlist_knn_length_damping
        playlists = np.maximum(np.diff(begins), 1).astype(np.float64) ** -settings.playlist_knn_popularity_damping
        return cls(
            SparseRows(begins, holders, lengths.astype(np.float32)[holders], len(training)),
            SparseRows(starts, held, playlists.astype(np.float32)[held], len(tracks)),
            settings,
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """See :class:`~rec_assets.core.strategies.answers.Strategy`."""
        return self.to_playlists.arrays("to_playlists") | self.to_tracks.arrays("to_tracks")

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], tracks: Tracks, settings: PlaylistKnnSettings
    ) -> "PlaylistKnn":
        """The inverse of :meth:`arrays`."""
        to_tracks = SparseRows.from_arrays(arrays, "to_tracks", len(tracks))
        to_playlists = SparseRows.from_arrays(arrays, "to_playlists", len(to_tracks))
        return cls(to_playlists, to_tracks, settings)

    def score(self, histories: FlatSequences) -> "PlaylistScores":
        """Scores of the tracks in the most similar playlists; the rest is 0."""
        from rec_assets.core.strategies import neighbour_loops

        heard = recency(histories, self.to_tracks.width, decay=self.asked.playlist_knn_decay, length=_LENGTH)
        heard = replace(heard, values=heard.values * self._rarity(heard.columns))
        nearest = heard.times(self.to_playlists, _NEIGHBOURS, _READ)
        fading = self.asked.playlist_knn_distance_decay, self.asked.playlist_knn_length_damping
        scores = neighbour_loops.near_shared(
            heard.parts, nearest.parts, self.to_tracks.parts, fading, self.to_tracks.width
        )
        return PlaylistScores(SparseRows(*scores, width=self.to_tracks.width), heard=heard, nearest=nearest)

    def _rarity(self, rows: np.ndarray) -> np.ndarray:
        """(r,) float32 weight of each of ``rows`` (r,)."""
        playlists = np.maximum(self.to_playlists.starts[rows + 1] - self.to_playlists.starts[rows], 1)
        idf = np.log((self.to_playlists.width + 1) / playlists)
        return (idf**self.asked.playlist_knn_idf_power).astype(np.float32)

    def held_together(self, row: int, others: np.ndarray) -> np.ndarray:
        """(o,) how many training playlists hold both the track ``row`` and each of ``others`` (o,)."""
        own = self._holders(row)
        shared = [len(np.intersect1d(own, self._holders(other), assume_unique=True)) for other in others.tolist()]
        return np.array(shared, np.int64)

    def _holders(self, row: int) -> np.ndarray:
        start, end = self.to_playlists.starts[row : row + 2]
        return self.to_playlists.columns[start:end]


@dataclass(frozen=True, kw_only=True)
class PlaylistScores(SparseScores):
    """Scores, and what they were made of.

    Attributes:
        heard: (m, t) weights of the tracks of each history, which may have a track twice.
        nearest: (m, n) similarities of the playlists nearest to each.
    """

    heard: SparseRows
    nearest: SparseRows
