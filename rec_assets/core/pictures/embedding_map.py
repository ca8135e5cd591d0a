"""The picture of a model: its most frequent tracks on a plane, by artist."""

import numpy as np

from rec_assets.core.base.relations import Relation
from rec_assets.core.pictures import in_words, plot_track_map
from rec_assets.core.playlists.catalog import artists_of
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.core.vectors.projection import artist_groups, project_tracks

TRACKS = 2_000


def draw_track_map(
    embeddings: TrackEmbeddings, track_catalog: Relation | None, *, method: str = "pca"
) -> tuple[bytes, str]:
    """PNG of the most frequent tracks, coloured by the artists who have most of them, and its caption.

    Without a ``track_catalog`` no artist is known. ``method`` and errors: as of
    :func:`~rec_assets.core.vectors.projection.project_tracks`.
    """
    projection = project_tracks(embeddings, tracks=TRACKS, method=method)
    shown = embeddings.track_index[: len(projection.points)].tolist()
    artists = artists_of(track_catalog, shown) if track_catalog is not None else [None] * len(shown)
    groups, names = artist_groups(np.array(artists, object))
    title = f"The {len(shown):,} most frequent tracks, by their input vectors"
    picture = plot_track_map(projection.points, groups, names, axis_labels=projection.axis_labels, title=title)
    legend = f"Artists with most of them: {in_words(names)}." if names else "No artist of them is known."
    return picture, f"{title} ({', '.join(projection.axis_labels)}). {legend}"
