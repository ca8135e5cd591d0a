"""A ranker from its two parts of the training playlists."""

from collections.abc import Callable

import numpy as np

from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.ranker.learned import Ranker, RankerSettings, train_ranker
from rec_assets.core.ranker.sources import Sources
from rec_assets.core.tracks import Tracks


def learn_from_held_aside(
    base: FlatSequences,
    held_aside: FlatSequences,
    artists: np.ndarray,
    embeddings: TrackEmbeddings,
    settings: RankerSettings,
    on_fitted: Callable[[], None] = lambda: None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Ranker:
    """Fit the strategies on ``base``, and learn from ``held_aside`` how to put what they propose in order.

    Args:
        base: training playlists by track index.
        held_aside: the other training playlists, by track index.
        artists: (t,) number of each track's artist, by track index.
        embeddings: trained on ``base``.
        settings: see :class:`RankerSettings`.
        on_fitted: called when the strategies are fitted.
        on_progress: see :func:`train_ranker`.

    Raises:
        DataError: there is nothing to learn.
    """
    tracks = Tracks.count_in(base, artists)
    sources = Sources(tracks, tracks.rows(base), embeddings)
    on_fitted()
    return train_ranker(sources, tracks.rows(held_aside), settings, on_progress)
