"""A ranker from the training playlists: most of them fit the strategies, the others teach how to order candidates."""

from collections.abc import Callable
from decimal import Decimal

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation
from rec_assets.core.playlists.splits import split_sequences
from rec_assets.core.ranker.learned import Ranker, RankerSettings, train_ranker
from rec_assets.core.ranker.sources import Sources
from rec_assets.core.strategies.tracks import Tracks
from rec_assets.core.vectors.embeddings import TrackEmbeddings


def split_for_ranker(train_sequences: Relation, settings: RankerSettings) -> tuple[FlatSequences, FlatSequences]:
    """The training playlists on which strategies are fitted, and those kept aside for the ranker.

    Two parts of exact size by a seeded hash of the playlist's id, in the order of the hash.

    Raises:
        DataError: a part would be empty.
    """
    shares = {"base": float(1 - Decimal(str(settings.ranker_share))), "ranker": settings.ranker_share}
    parts = split_sequences(train_sequences, shares=shares, seed=settings.ranker_split_seed, purpose="ranker")
    base, aside = (FlatSequences.from_relation(parts[name]) for name in shares)
    return base, aside


def learn_from_held_aside(
    train_sequences: Relation,
    artists: np.ndarray,
    settings: RankerSettings,
    train: Callable[[FlatSequences], TrackEmbeddings],
    on_fitted: Callable[[int], None] = lambda playlists: None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Ranker:
    """Fit the strategies on a part of the training playlists, and learn from the others how to order candidates.

    Args:
        train_sequences: ``playlist_id, track_indexes, length`` of the training playlists.
        artists: (t,) number of each track's artist, by track index.
        settings: see :class:`RankerSettings`.
        train: trains embeddings on the playlists that the ranker does not learn from; it must not know the others.
        on_fitted: called with the number of those playlists when the strategies are fitted.
        on_progress: see :func:`train_ranker`.

    Raises:
        DataError: there is nothing to learn.
        TrainingError: the vectors are not finite, or LightGBM cannot learn.
    """
    base, aside = split_for_ranker(train_sequences, settings)
    embeddings = train(base)
    embeddings.require_finite()
    tracks = Tracks.count_in(base, artists)
    sources = Sources.fit(tracks, tracks.rows(base.without_ids()), embeddings, settings)
    on_fitted(len(base))
    return train_ranker(sources, tracks.rows(aside), settings, on_progress)
