"""A recommender from training playlists and trained models."""

from collections.abc import Callable
from typing import Any

import numpy as np

from rec_assets.core.base.errors import SettingsError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.memory import give_back, let_go
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


def for_small_library(
    settings: RecommenderSettings, vocabulary: int, ranker: Ranker | None
) -> tuple[RecommenderSettings, list[str]]:
    """``settings`` as a ``vocabulary`` of so many tracks and the ``ranker`` allow, and a sentence for each change."""
    possible: dict[str, Any] = {}
    said = []
    if settings.k >= vocabulary:
        possible["k"] = vocabulary - 1
        said.append(
            f"k is lowered from {settings.k} to {vocabulary - 1}: only {vocabulary} tracks have a vector, of which "
            "track_vectors recommends the others. More playlists, or a lower min_count, leave more."
        )
    if settings.strategy is StrategyName.ranker and ranker is not None and not ranker.model:
        possible["strategy"] = StrategyName.playlist_knn
        said.append("strategy is playlist_knn in place of ranker: track_ranker had nothing to learn from.")
    return settings.model_copy(update=possible), said


def fit_recommender(
    training: FlatSequences,
    artists: np.ndarray,
    embeddings: TrackEmbeddings,
    ranker: Ranker | None,
    settings: RecommenderSettings,
    *,
    on_fitted: Callable[[str, int], None] = lambda label, total: None,
) -> Recommender:
    """Fit the chosen strategy, or all of them, as ``settings`` say.

    The ``training`` playlists and (t,) ``artists`` are by track index. The ``embeddings`` were trained on them all, the
    ``ranker`` on a part; it is None where :func:`asks_ranker` says that it is not needed, and left out of the compared
    ones where it learned nothing. ``on_fitted`` is called with the label of each strategy that is fitted, and of
    how many.

    Raises:
        SettingsError: ``k`` is more than can be recommended, or the ranker learned from strategies of other settings.
    """
    if settings.k >= len(embeddings):
        raise SettingsError(
            f"k={settings.k} is above what can be recommended: the vocabulary has {len(embeddings)} tracks, the query "
            f"among them. Set k to {len(embeddings) - 1} or less, or lower min_count of track_embeddings."
        )
    if ranker is not None:
        _require_own_sources(ranker, settings)
    tracks = Tracks.count_in(training, artists)
    rows, trained_on = tracks.rows(training), np.sort(training.ids)
    del training  # 50 MB at full size, where the caller does not keep them either
    fitted: dict[str, Strategy] = {}

    def fit(contender: Contender) -> Strategy:
        name = contender.strategy.value
        if contender.strategy is StrategyName.track_vectors:
            return TrackVectors.fit(tracks, embeddings, contender.query)
        if name in fitted:  # another contender asks the same strategy with other repeats
            return fitted[name]
        if contender.strategy is not StrategyName.ranker:
            return fit_source(name, tracks, rows, embeddings, settings)
        if ranker is None:
            raise LookupError("the settings ask for a ranker, and none was given")
        return RankedCandidates.join(Sources.join(tracks, fitted), ranker)

    wanted = _wanted(settings, ranker)
    for contender in wanted:
        fitted[contender.label] = fit(contender)
        let_go(embeddings.input_vectors)  # each strategy has copies of what it needs
        give_back()
        on_fitted(contender.label, len(wanted))
    has_vector = np.zeros(len(tracks), bool)
    has_vector[tracks.row_of[embeddings.track_index]] = True
    return Recommender(settings, tracks, fitted, has_vector, trained_on)


def _wanted(settings: RecommenderSettings, ranker: Ranker | None) -> list[Contender]:
    """What is to be fitted; the ranker comes after those that it joins."""
    chosen = chosen_contender(settings)
    if settings.fitted is Fitted.all:
        unlearned = ranker is not None and not ranker.model
        known = [one for one in CONTENDERS if not (unlearned and one.strategy is StrategyName.ranker)]
        return list(dict.fromkeys([*known, chosen]))
    if chosen.strategy is StrategyName.ranker:
        return [*(known for known in CONTENDERS if known.label in PROPOSED), chosen]
    return [chosen]


def _require_own_sources(ranker: Ranker, settings: RecommenderSettings) -> None:
    asked = NeighbourhoodSettings.among(settings)
    learned = {name: ranker.settings.get(name) for name in asked}
    differing = [f"{name} {learned[name]}, now {asked[name]}" for name in asked if learned[name] != asked[name]]
    if differing:
        raise SettingsError(
            f"the ranker learned from strategies of other settings ({', '.join(differing)}). Materialize "
            "track_ranker with the same settings as recommender; training_job does."
        )
