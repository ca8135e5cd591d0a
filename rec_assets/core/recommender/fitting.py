"""Fits a recommender on the training playlists: once, for all that asks it."""

from collections.abc import Callable

import numpy as np

from rec_assets.core.base.errors import SettingsError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.ranker.learned import Ranker
from rec_assets.core.ranker.ranked import RankedCandidates
from rec_assets.core.ranker.sources import PROPOSED, NeighbourhoodSettings, Sources, fit_source
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.recommender.settings import (
    CONTENDERS,
    Contender,
    Fitted,
    RecommenderSettings,
    StrategyName,
    chosen_contender,
)
from rec_assets.core.strategies.answers import Strategy
from rec_assets.core.strategies.track_vectors import TrackVectors
from rec_assets.core.strategies.tracks import Tracks
from rec_assets.core.vectors.embeddings import TrackEmbeddings


def asks_ranker(settings: RecommenderSettings) -> bool:
    """Whether a recommender of these settings needs a trained ranker."""
    return settings.strategy is StrategyName.ranker or settings.fitted is Fitted.all


def asks_vectors(settings: RecommenderSettings) -> bool:
    """Whether what the chosen strategy recommends depends on vectors."""
    return settings.strategy in (StrategyName.track_vectors, StrategyName.ranker)


def fit_recommender(
    training: FlatSequences,
    artists: np.ndarray,
    embeddings: TrackEmbeddings,
    ranker: Ranker | None,
    settings: RecommenderSettings,
    *,
    trained_on: np.ndarray,
    on_fitted: Callable[[str], None] = lambda label: None,
) -> Recommender:
    """Fit the chosen strategy, or all of them, as ``settings`` say.

    Args:
        training: training playlists by track index.
        artists: (t,) number of each track's artist, by track index.
        embeddings: trained on ``training``.
        ranker: learned from a part of ``training``; None where :func:`asks_ranker` says that it is not needed.
        settings: see :class:`RecommenderSettings`.
        trained_on: see :class:`Recommender`.
        on_fitted: called with the label of each strategy when it is fitted.

    Raises:
        SettingsError: ``k`` is more than can be recommended, or the ranker learned from strategies of other settings.
    """
    _require_enough_tracks(settings.k, len(embeddings))
    if ranker is not None:
        _require_own_sources(ranker, settings)
    tracks = Tracks.count_in(training, artists)
    # Ids name users, and no strategy needs them.
    rows = tracks.rows(training.without_ids())
    strategies: dict[str, Strategy] = {}
    for contender in _wanted(settings):
        strategies[contender.label] = _fit(contender, tracks, rows, embeddings, settings, strategies, ranker)
        on_fitted(contender.label)
    has_vector = np.zeros(len(tracks), bool)
    has_vector[tracks.row_of[embeddings.track_index]] = True
    return Recommender(settings, tracks, strategies, has_vector, trained_on)


def _wanted(settings: RecommenderSettings) -> list[Contender]:
    """What is to be fitted; the ranker comes after those that it joins."""
    chosen = chosen_contender(settings)
    if settings.fitted is Fitted.all:
        return list(dict.fromkeys([*CONTENDERS, chosen]))
    if chosen.strategy is StrategyName.ranker:
        return [*(known for known in CONTENDERS if known.label in PROPOSED), chosen]
    return [chosen]


def _fit(
    contender: Contender,
    tracks: Tracks,
    rows: FlatSequences,
    embeddings: TrackEmbeddings,
    settings: RecommenderSettings,
    fitted: dict[str, Strategy],
    ranker: Ranker | None,
) -> Strategy:
    name = contender.strategy.value
    if contender.strategy is StrategyName.track_vectors:
        return TrackVectors.fit(tracks, embeddings, contender.query)
    if name in fitted:  # another contender asks the same strategy with other repeats
        return fitted[name]
    if contender.strategy is not StrategyName.ranker:
        return fit_source(name, tracks, rows, embeddings, settings)
    if ranker is None:
        raise LookupError("the settings ask for a ranker, and none was given")
    return RankedCandidates.join(Sources(tracks, {name: fitted[name] for name in PROPOSED}), ranker)


def _require_enough_tracks(k: int, vocabulary: int) -> None:
    if k >= vocabulary:
        raise SettingsError(
            f"k={k} is above what can be recommended: the vocabulary has {vocabulary} tracks, the query among them. "
            f"Set k to {vocabulary - 1} or less, or lower min_count of track_embeddings."
        )


def _require_own_sources(ranker: Ranker, settings: RecommenderSettings) -> None:
    asked = NeighbourhoodSettings.among(settings)
    learned = {name: ranker.settings.get(name) for name in asked}
    differing = [name for name, value in asked.items() if learned[name] != value]
    if differing:
        told = ", ".join(f"{name} {learned[name]}, now {asked[name]}" for name in differing)
        raise SettingsError(
            f"the ranker learned from strategies of other settings ({told}). Materialize track_ranker with the same "
            "settings as recommender; training_job does."
        )
