"""Without these, strategies could be fitted for nothing or twice, or a ranker be asked that learned from others."""

from collections import Counter
from typing import Any

import numpy as np
import pytest

from rec_assets.core.base.errors import SettingsError
from rec_assets.core.ranker.learned import Ranker
from rec_assets.core.ranker.ranked import RankedCandidates
from rec_assets.core.ranker.settings import RankerSettings
from rec_assets.core.ranker.sources import PROPOSED
from rec_assets.core.recommender.fitting import asks_ranker, asks_vectors, fit_recommender, for_small_library
from rec_assets.core.recommender.settings import CONTENDERS, RecommenderSettings, StrategyName
from rec_assets.core.strategies.artist_affinity import ArtistAffinity
from rec_assets.core.strategies.item_knn import ItemKnn, SequentialRules
from rec_assets.core.strategies.playlist_knn import PlaylistKnn
from rec_assets.core.strategies.title_words import TitleWords
from rec_assets.core.strategies.track_vectors import TrackVectors
from rec_assets_tests.core.ranker.planted_rankers import cycle_ranker
from rec_assets_tests.core.recommender.small_recommenders import (
    ARTISTS,
    TRAINING,
    answered,
    embeddings,
    fitted,
    playlists,
)

LABELS = [contender.label for contender in CONTENDERS]


@pytest.fixture
def fits(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each strategy was fitted."""
    counted: Counter[str] = Counter()
    cycle_ranker()  # which fits strategies of its own when it is made

    def count(strategy: type, name: str) -> None:
        real = getattr(strategy, name)

        def counting(*given: Any) -> Any:
            counted[strategy.__name__] += 1
            return real(*given)

        monkeypatch.setattr(strategy, name, counting)

    for strategy in (ArtistAffinity, ItemKnn, PlaylistKnn, SequentialRules, TitleWords, TrackVectors):
        count(strategy, "fit")
    count(RankedCandidates, "join")
    return counted


ONCE = dict.fromkeys(
    ["ArtistAffinity", "ItemKnn", "PlaylistKnn", "SequentialRules", "TitleWords", "RankedCandidates"], 1
)


@pytest.mark.parametrize(
    ("chosen", "labels", "expected"),
    [
        # Vectors are laid out for each question.
        ({}, LABELS, ONCE | {"TrackVectors": 2}),
        ({"strategy": "popularity"}, LABELS, ONCE | {"TrackVectors": 2}),
        (
            {"strategy": "item_knn", "repeats": "allowed"},
            [*LABELS, "item_knn as configured"],
            ONCE | {"TrackVectors": 2},
        ),
        (
            {"strategy": "ranker", "repeats": "left_out"},
            [*LABELS, "ranker as configured"],
            ONCE | {"TrackVectors": 2},
        ),
        (
            {"strategy": "track_vectors", "query": "last"},
            [*LABELS, "track_vectors as configured"],
            ONCE | {"TrackVectors": 3},
        ),
        ({"fitted": "chosen"}, [*PROPOSED, "ranker"], ONCE | {"TrackVectors": 1}),
        (
            {"fitted": "chosen", "repeats": "left_out"},
            [*PROPOSED, "ranker as configured"],
            ONCE | {"TrackVectors": 1},
        ),
        ({"fitted": "chosen", "strategy": "playlist_knn"}, ["playlist_knn"], {"PlaylistKnn": 1}),
        ({"fitted": "chosen", "strategy": "item_knn"}, ["item_knn"], {"ItemKnn": 1}),
        ({"fitted": "chosen", "strategy": "sequential_rules"}, ["sequential_rules"], {"SequentialRules": 1}),
        ({"fitted": "chosen", "strategy": "track_vectors"}, ["track_vectors"], {"TrackVectors": 1}),
        ({"fitted": "chosen", "strategy": "artist_affinity"}, ["artist_affinity"], {"ArtistAffinity": 1}),
        ({"fitted": "chosen", "strategy": "title_words"}, ["title_words"], {"TitleWords": 1}),
        ({"fitted": "chosen", "strategy": "popularity"}, ["popularity"], {}),
    ],
)
def test_what_is_needed_is_fitted_once_and_nothing_else(
    fits: Counter[str], chosen: dict[str, str], labels: list[str], expected: dict[str, int]
) -> None:
    reported: list[str] = []
    recommender = fitted(on_fitted=lambda label, _: reported.append(label), **chosen)

    assert fits == expected
    assert set(reported) == set(labels)
    assert sorted(recommender.strategies) == sorted(reported)
    assert sorted(contender.label for contender in recommender.contenders) == sorted(reported)
    assert recommender.chosen in recommender.contenders


@pytest.mark.parametrize("strategy", StrategyName, ids=lambda strategy: strategy.value)
def test_fitted_alone_it_answers_as_among_all(strategy: StrategyName) -> None:
    histories = playlists(30, seed=9)

    alone, among_all = (answered(fitted(strategy=strategy, fitted=which), histories) for which in ("chosen", "all"))

    np.testing.assert_array_equal(alone.rows, among_all.rows)
    np.testing.assert_array_equal(alone.scores, among_all.scores)


def test_a_ranker_and_vectors_are_asked_for_only_where_they_are_used() -> None:
    names = {name.value for name in StrategyName}

    def where(asks, which: str) -> set[str]:
        return {name for name in names if asks(RecommenderSettings(strategy=name, fitted=which))}

    assert where(asks_ranker, "chosen") == {"ranker"}
    assert where(asks_ranker, "all") == names
    assert where(asks_vectors, "chosen") == where(asks_vectors, "all") == {"ranker", "track_vectors"}


def test_a_ranker_that_is_asked_for_and_not_given_is_an_error() -> None:
    with pytest.raises(LookupError, match="ask for a ranker"):
        fit_recommender(TRAINING, ARTISTS, embeddings(), None, RecommenderSettings(k=1))


def test_a_ranker_that_learned_from_other_strategies_is_refused_with_both_settings_and_the_remedy() -> None:
    with pytest.raises(SettingsError) as caught:
        fitted(cycle_ranker(), item_knn_window=3, playlist_knn_decay=0.5)

    assert str(caught.value) == (
        "the ranker learned from strategies of other settings (item_knn_window 10, now 3, playlist_knn_decay 0.95, "
        "now 0.5). Materialize track_ranker with the same settings as recommender; training_job does."
    )


def test_more_tracks_than_can_be_recommended_are_refused_before_anything_is_fitted(fits: Counter[str]) -> None:
    vocabulary = len(embeddings())

    assert fitted(k=vocabulary - 1, strategy="popularity", fitted="chosen").settings.k == vocabulary - 1
    with pytest.raises(SettingsError, match=rf"k={vocabulary} .* has {vocabulary} tracks.* k to {vocabulary - 1} or"):
        fitted(k=vocabulary)
    assert not fits


def test_what_a_small_library_does_not_allow_is_changed_and_said() -> None:
    asked, unlearned = RecommenderSettings(k=100), Ranker.unlearned(RankerSettings())

    assert for_small_library(asked, 101, cycle_ranker()) == (asked, [])
    settings, said = for_small_library(asked, 54, cycle_ranker())
    assert settings == RecommenderSettings(k=53)
    assert len(said) == 1
    assert said[0].startswith("k is lowered from 100 to 53: only 54 tracks have a vector")
    settings, said = for_small_library(asked, 101, unlearned)
    assert settings == RecommenderSettings(k=100, strategy="playlist_knn")
    assert len(said) == 1
    assert for_small_library(RecommenderSettings(strategy="item_knn"), 101, unlearned)[1] == []


def test_a_ranker_that_learned_nothing_is_not_compared() -> None:
    recommender = fitted(Ranker.unlearned(RankerSettings()), strategy="playlist_knn")

    assert [one.label for one in recommender.contenders] == [label for label in LABELS if label != "ranker"]


def test_nothing_that_is_given_is_changed() -> None:
    model, asked = embeddings(), playlists(40, seed=9)
    given = [
        TRAINING.values, TRAINING.offsets, ARTISTS, asked.values, asked.offsets,
        model.track_index, model.count, model.input_vectors, model.output_vectors,
    ]  # fmt: skip
    copies = [array.copy() for array in given]
    for array in given:
        array.setflags(write=False)

    recommender = fit_recommender(TRAINING, ARTISTS, model, cycle_ranker(), RecommenderSettings(k=5))
    first = {contender.label: answered(recommender, asked, contender).rows.tolist() for contender in CONTENDERS}

    for array, copy in zip(given, copies, strict=True):
        np.testing.assert_array_equal(array, copy)
    # And asking leaves no trace.
    for contender in CONTENDERS:
        assert answered(recommender, asked, contender).rows.tolist() == first[contender.label]
