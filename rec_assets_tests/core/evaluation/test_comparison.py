"""Without these, what is measured could be other answers than those that are given to people."""

import math

import numpy as np
import pytest

from rec_assets.core.base.errors import DataError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.evaluation.comparison import (
    answer_stability,
    compare_contenders,
    example_playlists,
    rank_held_out,
    try_contender,
)
from rec_assets.core.evaluation.metrics import hit_rate
from rec_assets.core.ranker.learned import Ranker
from rec_assets.core.ranker.settings import RankerSettings
from rec_assets.core.ranker.sources import PROPOSED
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.recommender.settings import CONTENDERS, Contender
from rec_assets_tests.core.recommender.small_recommenders import answered, fitted, playlists


@pytest.fixture(scope="module")
def recommender() -> Recommender:
    return fitted(strategy="item_knn", fitted="all")


@pytest.fixture(scope="module")
def held_out() -> FlatSequences:
    return playlists(200, seed=7)


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda contender: contender.label)
def test_ranks_are_the_places_of_the_targets_in_the_answers_to_their_histories(
    recommender: Recommender, held_out: FlatSequences, contender: Contender
) -> None:
    lists = recommender.tracks.track_index[answered(recommender, held_out.histories(), contender).rows].tolist()
    expected = [
        own.index(target) + 1 if target in own else 0
        for own, target in zip(lists, held_out.from_the_end(0).tolist(), strict=True)
    ]

    figures, answers = try_contender(recommender, contender, held_out)

    assert np.count_nonzero(expected) > 0
    assert answers.ranks.tolist() == expected
    assert (figures["strategy"], figures["k"], figures["playlists"]) == (contender.label, 10, 200)
    assert figures["repeats"] == contender.repeats
    assert figures["hit_rate"] == figures["hit_rate_at_10"] == hit_rate(np.array(expected), k=10)
    assert figures["hit_rate_low"] <= figures["hit_rate"] <= figures["hit_rate_high"]
    assert 0 <= figures["stability"] <= 1
    if contender == recommender.chosen:
        assert rank_held_out(recommender, held_out).rank.tolist() == expected


def test_candidate_recall_is_the_share_of_targets_that_are_proposed_or_in_the_history(held_out: FlatSequences) -> None:
    recommender = fitted(fitted="all")
    rows = recommender.tracks.rows(held_out)
    histories, targets = rows.histories(), rows.from_the_end(0)
    answers = {name: recommender.strategies[name].score(histories).top(depth) for name, depth in PROPOSED.items()}
    proposed = {name: own.rank_of(targets) > 0 for name, own in answers.items()}
    in_history = [target in histories.tracks_of(place) for place, target in enumerate(targets)]
    assert any(in_history & ~np.any(list(proposed.values()), axis=0)), "no such target: nothing is proved of it"

    compared = [figures for figures, _ in compare_contenders(recommender, held_out)]
    recall = {figures["strategy"]: figures["candidate_recall"] for figures in compared}

    assert [figures["hit_rate"] for figures in compared] == sorted((f["hit_rate"] for f in compared), reverse=True)
    assert {name: recall[name] for name in PROPOSED} == {name: own.mean() for name, own in proposed.items()}
    assert recall["ranker"] == np.mean(np.any(list(proposed.values()), axis=0) | in_history)
    assert math.isnan(recall["last_track"])
    assert try_contender(recommender, recommender.chosen, held_out)[0]["candidate_recall"] == recall["ranker"]


def test_without_a_ranker_nothing_is_proposed_to_one(held_out: FlatSequences) -> None:
    recommender = fitted(Ranker.unlearned(RankerSettings()), strategy="item_knn", fitted="all")

    compared = compare_contenders(recommender, held_out)
    assert all(math.isnan(figures["candidate_recall"]) for figures, _ in compared)


def test_fewer_than_ten_answers_say_nothing_of_the_first_ten(held_out: FlatSequences) -> None:
    few = fitted(strategy="popularity", fitted="chosen", k=3)

    figures, _ = try_contender(few, few.chosen, held_out)
    assert all(math.isnan(figures[name]) for name in ("hit_rate_at_10", "hit_rate_at_10_low", "hit_rate_at_10_high"))


def test_stability_is_what_two_lists_share_when_the_first_track_is_missing(recommender: Recommender) -> None:
    held_out = playlists(9, seed=11, shortest=4)
    shorter = FlatSequences(
        held_out.ids,
        np.concatenate([held_out.tracks_of(n)[1:-1] for n in range(9)]),
        np.concatenate([[0], np.cumsum(held_out.lengths() - 2)]),
    )
    lists = zip(*(answered(recommender, asked).rows.tolist() for asked in (held_out.histories(), shorter)), strict=True)
    expected = np.mean([len(set(one) & set(other)) / 10 for one, other in lists])

    assert answer_stability(recommender, recommender.chosen, held_out) == pytest.approx(expected)
    assert 0 < expected < 1
    short = held_out.cut_at(np.arange(9), np.full(9, 3))
    assert math.isnan(answer_stability(recommender, recommender.chosen, short))


def test_examples_show_the_answers_with_the_end_of_the_history_and_the_target(
    recommender: Recommender, held_out: FlatSequences
) -> None:
    shown = example_playlists(recommender, held_out)
    ranks = rank_held_out(recommender, held_out).rank.tolist()
    answers = recommender.tracks.track_index[answered(recommender, held_out.histories()).rows].tolist()

    for number in range(6):
        own = [one for one in shown if one.playlist == number]
        tracks = {part: [one.track_index for one in own if one.part == part] for part in ("history", "recommended")}
        (target,) = (one for one in own if one.part == "target")
        playlist = held_out.tracks_of(number).tolist()
        assert tracks["history"] == playlist[:-1][-5:]
        assert tracks["recommended"] == answers[number]
        assert (target.track_index, target.place) == (playlist[-1], ranks[number] or None)


def test_nothing_held_out_is_an_error(recommender: Recommender, held_out: FlatSequences) -> None:
    with pytest.raises(DataError, match="no held-out playlist"):
        rank_held_out(recommender, held_out[:0])
