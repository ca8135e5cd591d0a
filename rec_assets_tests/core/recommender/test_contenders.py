"""Without these, one question could pass for another: in the leaderboard, or when the gate compares two models."""

import json
from typing import Any

import pytest

from rec_assets.core.recommender.settings import CONTENDERS, RecommenderSettings, chosen_contender
from rec_assets.core.strategies.track_vectors import TUTORIAL_QUERY


def test_the_contenders_are_all_strategies_and_the_tutorials_way_of_asking() -> None:
    assert [(one.label, one.repeats) for one in CONTENDERS] == [
        ("popularity", False),
        ("title_words", False),
        ("artist_affinity", False),
        ("sequential_rules", False),
        ("item_knn", False),
        ("playlist_knn", False),
        ("track_vectors", False),
        ("ranker", True),
        ("last_track", True),
    ]
    questions = [json.dumps(one.question(), sort_keys=True) for one in CONTENDERS]
    assert len(set(questions)) == len(CONTENDERS)


@pytest.mark.parametrize(
    ("chosen", "label"),
    [
        ({}, "ranker"),
        ({"repeats": "allowed"}, "ranker"),
        ({"repeats": "left_out"}, "ranker as configured"),
        ({"strategy": "item_knn"}, "item_knn"),
        ({"strategy": "item_knn", "repeats": "left_out"}, "item_knn"),
        ({"strategy": "item_knn", "repeats": "allowed"}, "item_knn as configured"),
        # How vectors are asked is of no meaning to other strategies.
        ({"strategy": "popularity", "query": "last", "popularity_prior": 1}, "popularity"),
        ({"strategy": "track_vectors"}, "track_vectors"),
        ({"strategy": "track_vectors", "query_decay": 0.8}, "track_vectors as configured"),
        ({"strategy": "track_vectors", **TUTORIAL_QUERY.as_dict()}, "track_vectors as configured"),
        ({"strategy": "track_vectors", "repeats": "allowed", **TUTORIAL_QUERY.as_dict()}, "last_track"),
    ],
)
def test_what_is_chosen_has_the_label_of_the_contender_that_asks_the_same(chosen: dict[str, Any], label: str) -> None:
    contender = chosen_contender(RecommenderSettings(**chosen))

    assert contender.label == label
    assert (contender in CONTENDERS) == ("as configured" not in label)


def test_a_question_says_all_that_changes_an_answer() -> None:
    def question(**chosen: Any) -> dict[str, Any]:
        return chosen_contender(RecommenderSettings(**chosen)).question()

    assert question(k=7) == {"strategy": "ranker", "repeats": True}
    assert question(strategy="track_vectors", cold_query_seed=4) == {
        "strategy": "track_vectors",
        "repeats": False,
        "query": "history",
        "scoring": "output",
        "cold_query": "history",
        "query_decay": 0.9,
        "query_length": 20,
        "popularity_prior": 0.4,
        "cold_query_seed": 4,
    }
