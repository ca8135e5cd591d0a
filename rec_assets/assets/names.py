"""Names for people: what a model's numbers stand for."""

import numpy as np

from rec_assets.core.catalog import names_of
from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.errors import StoreError
from rec_assets.core.lineage import Lineage
from rec_assets.core.relations import Relation
from rec_assets.core.retrieval import NearestTracks
from rec_assets.resources.store import AssetStore

NEAREST = 5


def example_neighbours(store: AssetStore, lineage: Lineage, embeddings: TrackEmbeddings) -> str:
    """The most frequent track and its nearest, as a markdown list with names.

    The model does not depend on names, so neither does its asset: where the catalog of its numbers is gone,
    the numbers are shown.
    """
    depth = min(NEAREST, len(embeddings) - 1)
    if depth < 1:
        return "the vocabulary has one track: it has no neighbours"
    rows, cosines = NearestTracks(embeddings).search(np.array([0]), depth)
    tracks = embeddings.track_index[np.concatenate([[0], rows[0]])].tolist()
    names = _names(store, lineage, tracks)
    lines = [f"- {name} ({cosine:.3f})" for name, cosine in zip(names[1:], cosines[0], strict=True)]
    return f"Nearest to **{names[0]}** (cosine):\n\n" + "\n".join(lines)


def _names(store: AssetStore, lineage: Lineage, tracks: list[int]) -> list[str]:
    try:
        current = store.lineage("track_catalog").data_version
    except StoreError:
        current = None
    if current is None or lineage.ancestors["track_catalog"]["data_version"] != current:
        return [f"track {track}" for track in tracks]
    return names_of(store.read("track_catalog", Relation), tracks)
