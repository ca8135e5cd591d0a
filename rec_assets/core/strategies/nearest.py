"""A few tracks with their nearest, by name, so that people can judge a model at a glance."""

from dataclasses import dataclass

import numpy as np

from rec_assets.core.base.relations import Relation
from rec_assets.core.playlists.catalog import names_of
from rec_assets.core.strategies.vector_scores import VectorIndex
from rec_assets.core.vectors.embeddings import TrackEmbeddings


@dataclass(frozen=True)
class Example:
    """A track and its nearest.

    Attributes:
        query: the track's name.
        nearest: names and cosines, best first.
    """

    query: str
    nearest: list[tuple[str, float]]


def example_neighbours(
    embeddings: TrackEmbeddings, track_catalog: Relation | None, *, examples: int, depth: int
) -> list[Example]:
    """The ``examples`` most frequent tracks, each with its ``depth`` nearest by cosine of input vectors.

    Fewer come from a vocabulary that is smaller. Without a ``track_catalog`` the tracks are numbers.
    """
    depth = min(depth, len(embeddings) - 1)
    queries = np.arange(min(examples, len(embeddings)))
    if depth < 1:
        return []
    unit = embeddings.unit_input_vectors()
    index = VectorIndex.build(unit, np.arange(len(unit), dtype=np.int32), len(unit))
    # A track is its own nearest, and no answer.
    found, cosines = index.search(unit[queries], depth, left_out=(queries, queries))
    tracks = embeddings.track_index[np.column_stack([queries, found])]
    names = _names(track_catalog, tracks.ravel().tolist())
    return [
        Example(names[row[0]], [(names[track], float(c)) for track, c in zip(row[1:], row_cosines, strict=True)])
        for row, row_cosines in zip(tracks.tolist(), cosines, strict=True)
    ]


def _names(track_catalog: Relation | None, tracks: list[int]) -> dict[int, str]:
    if track_catalog is None:
        return {track: f"track {track}" for track in tracks}
    return dict(zip(tracks, names_of(track_catalog, tracks), strict=True))
