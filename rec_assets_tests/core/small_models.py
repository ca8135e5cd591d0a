"""Small models and playlists, made by hand."""

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.strategies.tracks import Tracks
from rec_assets.core.vectors.embeddings import TrackEmbeddings


def embeddings_of(vectors: np.ndarray, first_track: int = 0) -> TrackEmbeddings:
    vectors = np.asarray(vectors, np.float32)
    tracks = np.arange(first_track, first_track + len(vectors), dtype=np.int32)
    return TrackEmbeddings(tracks, np.arange(len(vectors), 0, -1), vectors, vectors, {})


def sequences_of(*sequences: list[int]) -> FlatSequences:
    return FlatSequences(
        np.arange(len(sequences), dtype=np.uint64),
        np.concatenate([np.array(s, np.int32) for s in sequences]) if sequences else np.empty(0, np.int32),
        np.cumsum([0, *map(len, sequences)]),
    )


def tracks_of(counts: list[int], artists: list[int] | None = None) -> Tracks:
    """Tracks whose rows are their indexes: ``counts`` must fall."""
    indexes = np.arange(len(counts), dtype=np.int32)
    artist = np.array(artists if artists is not None else [-1] * len(counts), np.int32)
    return Tracks(indexes, np.array(counts, np.int64), artist, indexes)
