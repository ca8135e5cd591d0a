"""What the ranker learns from: each part of the training playlists in turn, by strategies fitted on all the others.

Wolpert 1992, "Stacked generalization": what is learned on playlists that the strategies have seen does not hold for
others.
"""

from collections.abc import Callable, Iterator

import numpy as np

from rec_assets.core.base.errors import DataError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation, playlist_draw_sql
from rec_assets.core.ranker.example_pool import ExamplePool, OnProgress
from rec_assets.core.ranker.settings import RankerSettings
from rec_assets.core.ranker.sources import Sources
from rec_assets.core.strategies.tracks import Tracks
from rec_assets.core.vectors.embeddings import TrackEmbeddings

FEWEST_FOLDS = 2


def gather_examples(
    train_sequences: Relation,
    artists: np.ndarray,
    settings: RankerSettings,
    train: Callable[[FlatSequences], TrackEmbeddings],
    on_fitted: Callable[[int], None] = lambda playlists: None,
    on_progress: OnProgress = lambda what, done, total: None,
) -> ExamplePool:
    """Examples from each part of ``train_sequences``, with what strategies propose that are fitted on the others.

    Part by part, until there are ``ranker_examples``: many playlists have them in the first one.

    Takes ``user_id, playlist, track_indexes, length``, and (t,) ``artists`` by track index. ``train`` gets the
    playlists for the strategies and must not know the others; ``on_fitted`` is called with their number when these are
    fitted.

    Raises:
        DataError: there are not two playlists.
        TrainingError: the vectors are not finite.
    """
    playlists = split_for_ranker(train_sequences, settings)
    pool = ExamplePool(settings, on_progress)
    for others, part in folds(playlists, settings.ranker_folds):
        embeddings = train(others)
        embeddings.require_finite()
        tracks = Tracks.count_in(others, artists)
        sources = Sources.fit(tracks, tracks.rows(others), embeddings, settings)
        on_fitted(len(others))
        pool.add(sources, tracks.rows(part))
        del sources  # a gigabyte at full size, which neither the next ones nor the trees need
        if pool.is_full:
            break
    return pool


def split_for_ranker(train_sequences: Relation, settings: RankerSettings) -> FlatSequences:
    """The training playlists in the order of a seeded hash of each, in which they are cut into parts."""
    drawn = playlist_draw_sql(seed=settings.ranker_split_seed, purpose="ranker")
    return FlatSequences.from_relation(train_sequences.order(f"{drawn}, user_id, playlist"))


def folds(playlists: FlatSequences, number: int) -> Iterator[tuple[FlatSequences, FlatSequences]]:
    """All other playlists, and each of ``number`` parts of like size; fewer where there are not so many playlists.

    Raises:
        DataError: there are not two playlists.
    """
    if len(playlists) < FEWEST_FOLDS:
        raise DataError(
            f"{len(playlists)} training playlists cannot be cut into {FEWEST_FOLDS} parts. Bring more playlists."
        )
    every = np.arange(len(playlists))
    for part in np.array_split(every, min(number, len(playlists))):
        yield playlists.at(np.setdiff1d(every, part, assume_unique=True)), playlists.at(part)
