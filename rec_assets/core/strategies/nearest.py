"""A track with its nearest, by name, so that people can judge a model at a glance."""

import numpy as np

from rec_assets.core.base.relations import Relation
from rec_assets.core.playlists.catalog import names_of
from rec_assets.core.strategies.vector_scores import VectorIndex
from rec_assets.core.vectors.embeddings import TrackEmbeddings


def example_neighbours(
    embeddings: TrackEmbeddings, track_catalog: Relation | None, *, depth: int
) -> tuple[str, list[tuple[str, float]]]:
    """The name of the most frequent track, and names and cosines of its ``depth`` nearest by input vectors, best first.

    Fewer come from a vocabulary that is smaller. Without a ``track_catalog`` the tracks are numbers.
    """
    unit = embeddings.unit_input_vectors()
    index = VectorIndex.build(unit, np.arange(len(unit), dtype=np.int32), len(unit))
    query = np.zeros(1, np.int64)
    # A track is its own nearest, and no answer.
    found, cosines = index.search(unit[query], min(depth, len(unit) - 1), left_out=(query, query))
    tracks = embeddings.track_index[[0, *found[0]]].tolist()
    names = [f"track {track}" for track in tracks] if track_catalog is None else names_of(track_catalog, tracks)
    return names[0], list(zip(names[1:], map(float, cosines[0]), strict=True))
