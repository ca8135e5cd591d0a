"""Exact nearest neighbours, in batches, and the rank of each held-out target among them."""

from dataclasses import dataclass

import faiss
import numpy as np

from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.errors import DataError, SettingsError
from rec_assets.core.flat_sequences import FlatSequences

BATCH = 2_048
NOT_FOUND = 0


@dataclass(frozen=True)
class HeldOutRanks:
    """One entry per held-out playlist, in the order of the sequences.

    Attributes:
        playlist_id: (m,) which playlist.
        query_track: (m,) int32 track index of the track before the last.
        target_track: (m,) int32 track index of the last track, which is to be found.
        rank: (m,) int32, 1 = best; ``NOT_FOUND`` where the target is not among the ``depth`` nearest.
        popularity_rank: (m,) int32 rank of the target by training count; ``NOT_FOUND`` where it is cold.
        query_is_cold: (m,) bool, the query has no vector, a random track stood in for it.
        target_is_cold: (m,) bool, the target has no vector, so it cannot be found.
    """

    playlist_id: np.ndarray
    query_track: np.ndarray
    target_track: np.ndarray
    rank: np.ndarray
    popularity_rank: np.ndarray
    query_is_cold: np.ndarray
    target_is_cold: np.ndarray


class NearestTracks:
    """Exact search for the nearest tracks by cosine of input vectors."""

    def __init__(self, embeddings: TrackEmbeddings) -> None:
        self._vectors = embeddings.unit_input_vectors()
        self._index = faiss.IndexFlatIP(self._vectors.shape[1])
        self._index.add(self._vectors)  # pyright: ignore[reportCallIssue]

    def search(self, rows: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
        """The ``depth`` nearest rows of each of ``rows``, itself left out, best first.

        Args:
            rows: (m,) rows of the embeddings.
            depth: at most the size of the vocabulary less one.

        Returns:
            (m, depth) int64 rows and (m, depth) float32 cosines.
        """
        cosines, found = self._index.search(self._vectors[rows], depth + 1)  # pyright: ignore[reportCallIssue]
        is_self = found == rows[:, None]
        # Where many tracks share one vector, the query may not be among its own nearest: drop the last.
        is_self[~is_self.any(axis=1), -1] = True
        shape = (len(rows), depth)
        return found[~is_self].reshape(shape), cosines[~is_self].reshape(shape)


def rank_held_out(
    embeddings: TrackEmbeddings, sequences: FlatSequences, *, depth: int, cold_query_seed: int
) -> HeldOutRanks:
    """Hold out the last track of each sequence and rank it among the nearest of the track before.

    A query without a vector is replaced by a random track of the vocabulary, as the tutorial does. A target
    equal to its query is never found: a track is not its own neighbour.

    Args:
        embeddings: a model of at least ``depth`` + 1 tracks.
        sequences: held-out playlists of at least two tracks.
        depth: how many nearest tracks are searched; a target beyond them is not found.
        cold_query_seed: draws the random tracks.

    Raises:
        DataError: there is no sequence.
        SettingsError: ``depth`` is not below the size of the vocabulary.
    """
    if len(sequences) == 0:
        raise DataError("there is no held-out playlist to rank; materialize the splits from more playlists.")
    if depth >= len(embeddings):
        raise SettingsError(
            f"k={depth} is above what can be recommended: the vocabulary has {len(embeddings)} tracks, the "
            f"query among them. Set k to {len(embeddings) - 1} or less, or lower min_count of track_embeddings."
        )
    query_track, target_track = sequences.from_the_end(1), sequences.from_the_end(0)
    query_rows, target_rows = embeddings.rows_of(query_track), embeddings.rows_of(target_track)
    cold = query_rows < 0
    random_rows = np.random.default_rng(cold_query_seed).integers(len(embeddings), size=len(query_rows))
    return HeldOutRanks(
        playlist_id=sequences.ids,
        query_track=query_track,
        target_track=target_track,
        rank=_ranks(NearestTracks(embeddings), np.where(cold, random_rows, query_rows), target_rows, depth),
        # Rows stand in falling order of training count, so a row is a rank by popularity.
        popularity_rank=(target_rows + 1).astype(np.int32),
        query_is_cold=cold,
        target_is_cold=target_rows < 0,
    )


def _ranks(nearest: NearestTracks, query_rows: np.ndarray, target_rows: np.ndarray, depth: int) -> np.ndarray:
    ranks = np.full(len(query_rows), NOT_FOUND, np.int32)
    for start in range(0, len(query_rows), BATCH):
        batch = slice(start, start + BATCH)
        found, _ = nearest.search(query_rows[batch], depth)
        # faiss fills up with -1, which is also the row of a cold target: the two are no match.
        hits = (found == target_rows[batch, None]) & (found >= 0)
        ranks[batch] = np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, NOT_FOUND)
    return ranks
