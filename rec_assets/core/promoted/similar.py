"""Tracks that are alike: whose Word2Vec input vectors point the same way."""

from dataclasses import dataclass

import numpy as np

from rec_assets.core.base.artists import track_name
from rec_assets.core.base.errors import DataError
from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.strategies.answers import NO_TRACK


@dataclass(frozen=True)
class SimilarTracks:
    """Tracks by falling likeness: ``track_index`` (n,), and the ``cosine`` (n,) of their vectors, -1..1."""

    track_index: np.ndarray
    cosine: np.ndarray


def similar_tracks(model: PromotedModel, track: int, *, k: int) -> SimilarTracks:
    """The ``k`` tracks nearest to the track of index ``track``, by the cosine of input vectors; fewer if there are no
    more. Of tracks that are spelt alike the nearest one stays, and none that is spelt like the track itself.

    Raises:
        DataError: the model holds no vectors, or none of this track.
    """
    tracks, vectors = model.recommender.tracks, model.recommender.vectors
    if vectors is None:
        raise DataError(
            f"this model holds no vectors, by which tracks are alike: strategy {model.recommender.chosen.label} takes "
            "none, and the others are not fitted. Train it with `fitted: all`, or `strategy: track_vectors`."
        )
    row = int(tracks.row_of[track])
    if vectors.index.place[row] == NO_TRACK:
        raise DataError(
            f"{track_name(*model.names.name_of(track))} has no vector: it occurs {tracks.count[row]:,} times in the "
            "training playlists. Ask for a more frequent track, or train with a lower `min_count`."
        )
    rows = vectors.index.rows
    cosines = vectors.cosines(row, rows)
    order = np.lexsort((rows, -cosines))
    order = order[np.isfinite(cosines[order])]
    spelt = model.names.spellings(tracks.track_index[rows[order]])
    _, first = np.unique(spelt, return_index=True)
    is_first = np.zeros(len(order), bool)
    is_first[first] = True
    best = order[is_first & (spelt != model.names.spellings(np.array([track])))][:k]
    return SimilarTracks(tracks.track_index[rows[best]], cosines[best])
