"""Without these, short lists could stay short, batches could come out of order, and an error in one could be lost."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.strategies import item_knn
from rec_assets.core.strategies.answers import Answers, Strategy
from rec_assets.core.strategies.item_knn import SequentialRules
from rec_assets.core.strategies.popularity import Popularity, recommend
from rec_assets_tests.core.strategies import slow_strategies as slow
from rec_assets_tests.core.strategies.slow_strategies import World, lists_of, worlds


def answers_of(strategy: Strategy, world: World, *, batch: int, repeats: bool, depth: int) -> Answers:
    with patch.object(type(strategy), "batch", batch):
        found = list(recommend(strategy, world.tracks, world.histories, depth=depth, repeats=repeats))
    parts, answers = zip(*found, strict=True)
    places = np.arange(len(world.histories))
    assert np.concatenate([places[part] for part in parts]).tolist() == places.tolist()
    return Answers(*(np.concatenate([getattr(one, name) for one in answers]) for name in ("rows", "scores")))


@settings(deadline=None, max_examples=60)
@given(worlds(), st.booleans(), st.integers(1, 12), st.integers(1, 5))
def test_short_lists_are_filled_up_by_popularity_in_batches_of_any_size(
    world: World, repeats: bool, depth: int, batch: int
) -> None:
    with patch.object(item_knn, "_RULES_WINDOW", 2):
        rules = SequentialRules.fit(world.tracks, world.training)
    own = lists_of(world.histories)
    asked = {"weight_at": lambda step: 1 / step if step in (1, 2) else 0, "damping": 0, "kept": 200}
    followers = [slow.near_tracks(world, history, **asked, decay=1, length=1) for history in own]
    popular = [slow.popularity(world)] * len(own)

    for strategy, scores in ((rules, followers), (Popularity(world.tracks), popular)):
        found = answers_of(strategy, world, batch=batch, repeats=repeats, depth=depth)

        for history, heard, rows in zip(scores, own, slow.answered(found), strict=True):
            assert rows == slow.filled_up(world, history, depth, () if repeats else heard)


def test_no_history_no_answer() -> None:
    world = slow.random_world(playlists=5, histories=1)

    assert list(recommend(Popularity(world.tracks), world.tracks, world.histories[:0], depth=3, repeats=False)) == []


def test_an_error_in_a_batch_is_not_swallowed() -> None:
    class Broken(Popularity):
        batch = 2

        def score(self, histories):
            raise ArithmeticError("broken")

    world = slow.random_world(playlists=5, histories=9)
    with pytest.raises(ArithmeticError, match="broken"):
        list(recommend(Broken(world.tracks), world.tracks, world.histories, depth=3, repeats=False))


def test_the_rank_is_the_place_of_the_target_and_0_without_one() -> None:
    answers = Answers(np.array([[4, 2, 7], [1, -1, -1], [3, 5, -1]], np.int32), np.zeros((3, 3), np.float32))

    assert answers.rank_of(np.array([7, 1, 9])).tolist() == [3, 1, 0]
    assert answers.rank_of(np.array([4, -1, 5])).tolist() == [1, 0, 2]
