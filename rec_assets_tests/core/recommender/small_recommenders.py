"""A small recommender with something to answer for everybody, fitted in milliseconds."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.ranker.learned import Ranker
from rec_assets.core.ranker.sources import NeighbourhoodSettings
from rec_assets.core.recommender.fitting import asks_ranker, fit_recommender
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.recommender.settings import Contender, RecommenderSettings
from rec_assets.core.strategies.answers import Answers
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets_tests.core.ranker.planted_rankers import cycle_ranker

TRACKS, DIMENSIONS = 400, 48
WORDS = ("Été", "Winter", "Road", "Gym")


def playlists(number: int, seed: int, *, shortest: int = 2) -> FlatSequences:
    """Neighbours in number stand together, which titles hint at; a tenth of the tracks is left out of even seeds."""
    draw = np.random.default_rng(seed)
    lengths = draw.integers(shortest, 15, number)
    first = draw.integers(TRACKS, size=number)
    starts = np.repeat(first, lengths)
    values = ((starts + draw.integers(20, size=len(starts))) % TRACKS).astype(np.int32)
    if seed % 2 == 0:
        values[values % 10 == 0] = 1
    titles = np.array([f"My {WORDS[place * len(WORDS) // TRACKS]}" for place in first], object)
    return FlatSequences(np.arange(number, dtype=np.uint64), values, np.concatenate([[0], np.cumsum(lengths)]), titles)


TRAINING = playlists(300, seed=2)
ARTISTS = np.where(np.arange(TRACKS) % 7, np.arange(TRACKS) // 3, -1).astype(np.int32)


def embeddings() -> TrackEmbeddings:
    """Vectors for three quarters of the tracks that occur in training; some are nearly, and some wholly alike."""
    counts = np.bincount(TRAINING.values, minlength=TRACKS)
    tracks = np.argsort(-counts, kind="stable")[: int(0.75 * np.count_nonzero(counts))].astype(np.int32)
    vectors = np.random.default_rng(3).normal(size=(2, len(tracks), DIMENSIONS)).astype(np.float32)
    vectors[:, 100:150] = vectors[:, 50:100] * np.float32(1 + 1e-7)
    vectors[:, 150:170] = vectors[:, 50:70]
    return TrackEmbeddings(tracks, counts[tracks].astype(np.int64), *vectors, {})


def ranker_for(settings: RecommenderSettings) -> Ranker:
    """Trees that learned from other playlists, and pass for ones that learned from these strategies."""
    ranker = cycle_ranker()
    return replace(ranker, settings=ranker.settings | NeighbourhoodSettings.among(settings))


def fitted(
    ranker: Ranker | None = None,
    on_fitted: Callable[[str, int], None] = lambda label, total: None,
    training: FlatSequences = TRAINING,
    **chosen: Any,
) -> Recommender:
    settings = RecommenderSettings(**{"k": 10, **chosen})
    return fit_recommender(
        training,
        ARTISTS,
        embeddings(),
        ranker or (ranker_for(settings) if asks_ranker(settings) else None),
        settings,
        on_fitted=on_fitted,
    )


def answered(recommender: Recommender, histories: FlatSequences, contender: Contender | None = None) -> Answers:
    """Ten answers to each history of tracks."""
    rows = recommender.tracks.rows(histories)
    found = [answers for _, answers in recommender.answers(rows, depth=10, contender=contender)]
    return Answers(*(np.concatenate([getattr(one, name) for one in found]) for name in ("rows", "scores")))
