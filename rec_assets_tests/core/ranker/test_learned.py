"""Without these, the ranker could learn from other examples than it says, or answer in another order than its trees."""

import sys
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import lightgbm
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.errors import DataError, StoreError, TrainingError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.ranker import example_pool
from rec_assets.core.ranker import learned as learned_module
from rec_assets.core.ranker.example_pool import train_ranker
from rec_assets.core.ranker.examples import cut_examples
from rec_assets.core.ranker.forest import Forest
from rec_assets.core.ranker.ranked import RankedCandidates
from rec_assets.core.ranker.settings import RankerSettings
from rec_assets.core.ranker.sources import FEATURES, PROPOSED, Sources, candidate_features
from rec_assets.core.strategies.answers import Strategy
from rec_assets.core.strategies.popularity import Popularity, recommend
from rec_assets_tests.core.ranker.planted_rankers import (
    FEW_TREES,
    cycle_ranker,
    echoes,
    named_ends,
    planted,
    sources_of,
    walks,
)
from rec_assets_tests.core.strategies.slow_strategies import World, check, lists_of, sequences_of, worlds


@pytest.fixture(scope="module")
def cycle() -> tuple[Sources, FlatSequences]:
    world, held_aside = planted(walks(500, seed=1))
    return sources_of(world), held_aside


def asking(**changes: float) -> RankerSettings:
    return RankerSettings(**FEW_TREES.as_dict() | changes)


def first_hits(strategy: Strategy, world: World) -> float:
    """Share of histories whose last track is the first answer to the rest."""
    histories, targets = world.histories.histories(), world.histories.from_the_end(0)
    answers = recommend(strategy, world.tracks, histories, depth=1, repeats=True)
    return float(np.mean(np.concatenate([one.rank_of(targets[part]) == 1 for part, one in answers])))


@pytest.mark.parametrize("rule", [walks, echoes])
def test_it_learns_the_rule_that_is_planted(rule) -> None:
    world, held_aside = planted(rule(420, seed=2))
    sources = sources_of(world)

    ranker = RankedCandidates.join(sources, train_ranker(sources, held_aside, FEW_TREES))

    assert first_hits(ranker, world) > 0.9
    assert first_hits(Popularity(world.tracks), world) < 0.2


def test_it_learns_what_titles_tell() -> None:
    playlists = named_ends(420, seed=2)
    hits = []
    for titles in ((), [f"My {'abcdefghij'[playlist[-1] % 10]}" for playlist in playlists]):
        world, held_aside = planted(playlists, titles)
        sources = sources_of(world)
        ranker = RankedCandidates.join(sources, train_ranker(sources, held_aside, FEW_TREES))
        hits.append(first_hits(ranker, world))

    assert hits[0] < 0.3
    assert hits[1] > 0.9


@settings(deadline=None, max_examples=25)
@given(worlds(), st.integers(0, 1_000), st.fixed_dictionaries({name: st.integers(1, 4) for name in PROPOSED}))
def test_answers_are_the_candidates_in_the_order_of_the_trees(
    world: World, seed: int, proposed: dict[str, int]
) -> None:
    sources, ranker = sources_of(world, seed), cycle_ranker()
    trees = lightgbm.Booster(model_str=ranker.model)
    with patch.dict(PROPOSED, proposed):
        candidates = sources.propose(world.histories)
        scores = RankedCandidates.join(sources, ranker).score(world.histories)
    predicted = np.asarray(
        trees.predict(candidate_features(sources, world.histories, candidates), raw_score=True), np.float32
    )
    expected = [{} for _ in lists_of(world.histories)]
    for history, row, score in zip(candidates.history, candidates.rows, predicted, strict=True):
        expected[history][int(row)] = float(score)

    check(world, scores, expected, exact=True)


def test_the_trees_are_the_same_with_any_number_of_threads(cycle: tuple[Sources, FlatSequences]) -> None:
    sources, held_aside = cycle
    # So few that draws decide which.
    asked, models = asking(ranker_negatives=20), set()
    for number in (1, 3):
        with threadpool_limits(number):
            models.add(train_ranker(sources, held_aside, asked).model)

    assert len(models) == 1
    assert models != {train_ranker(sources, held_aside, asking(ranker_negatives=20, ranker_seed=4)).model}


def test_settings_reach_the_trees_and_the_examples(cycle: tuple[Sources, FlatSequences]) -> None:
    sources, held_aside = cycle
    asked = RankerSettings(
        ranker_trees=4,
        ranker_leaves=3,
        ranker_learning_rate=0.25,
        ranker_more_cuts=2,
        ranker_examples=130,
        ranker_negatives=5_000,  # more than there are
        ranker_seed=9,
    )
    progress = []

    with (
        patch.object(example_pool, "boost", wraps=learned_module.boost) as boost,
        patch.object(learned_module, "_FEW_EXAMPLES", 0),
    ):
        ranker = train_ranker(sources, held_aside, asked, lambda *step: progress.append(step))

    given = boost.call_args.args[0]
    features, labels, sizes = given.features, given.is_target, given.sizes
    examples = cut_examples(held_aside, more_cuts=2, limit=130, seed=(9, 0))
    candidates = sources.propose(examples.histories)
    is_target = candidates.rows == examples.targets[candidates.history]
    proposed = np.isin(candidates.history, candidates.history[is_target])
    everything = candidate_features(sources, examples.histories, candidates)
    np.testing.assert_allclose(features, everything[proposed], rtol=1e-4, atol=1e-4)
    assert labels.tolist() == is_target[proposed].tolist()
    assert sizes.tolist() == np.unique(candidates.history[proposed], return_counts=True)[1].tolist()
    assert progress[:3] == [("examples", 128, 130), ("examples", 130, 130), ("trees", 1, asked.ranker_trees)]
    assert (ranker.examples, ranker.targets_missed) == (is_target.sum(), 130 - is_target.sum())
    assert (ranker.settings, ranker.features) == (asked.as_dict(), FEATURES)
    trees = lightgbm.Booster(model_str=ranker.model)
    assert (trees.num_trees(), trees.feature_name()) == (4, list(FEATURES))
    for line in ("[objective: lambdarank]", "[learning_rate: 0.25]", "[num_leaves: 3]", "[seed: 9]"):
        assert line in ranker.model
    assert "[deterministic: 1]" in ranker.model
    assert "[force_row_wise: 1]" in ranker.model


def test_few_examples_grow_small_trees_that_tell_targets_from_others(cycle: tuple[Sources, FlatSequences]) -> None:
    few = train_ranker(*cycle, RankerSettings(ranker_trees=3)).model
    with patch.object(learned_module, "_FEW_EXAMPLES", 0):
        many = train_ranker(*cycle, RankerSettings(ranker_trees=3)).model

    assert "[objective: binary]" in few
    assert "[num_leaves: 5]" in few
    assert "[objective: lambdarank]" in many
    assert "[num_leaves: 15]" in many


def test_about_as_many_candidates_are_drawn_as_is_asked(cycle: tuple[Sources, FlatSequences]) -> None:
    sources, held_aside = cycle

    with patch.object(example_pool, "boost", wraps=learned_module.boost) as boost:
        ranker = train_ranker(sources, held_aside, asking(ranker_negatives=10))

    given = boost.call_args.args[0]
    features, labels, sizes = given.features, given.is_target, given.sizes
    assert labels.sum() == len(sizes) == ranker.examples
    assert np.add.reduceat(labels.astype(int), np.cumsum([0, *sizes[:-1]])).tolist() == [1] * len(sizes)
    assert len(features) == len(labels) == sizes.sum()
    assert 10 < sizes.mean() < 12
    assert len(set(sizes.tolist())) > 3


def test_targets_that_nobody_proposes_are_counted_and_nothing_but_them_is_an_error() -> None:
    # Track 5 is unknown in training and has no artist, so that only repeats reach it.
    world = World.of([0, 0, 1, 1, 2, UNKNOWN_ARTIST], [[0, 1, 2, 3], [1, 2, 3, 4]] * 3, [[0]])
    sources, row_of = sources_of(world), world.tracks.row_of
    lost, found = row_of[[1, 2, 5]].tolist(), row_of[[1, 2, 3]].tolist()
    few = RankerSettings(ranker_trees=2)

    ranker = train_ranker(sources, sequences_of([lost, found, lost]), few)

    assert (ranker.examples, ranker.targets_missed) == (1, 2)
    with pytest.raises(DataError, match="of 2 examples from 2 playlists, no strategy proposed the target"):
        train_ranker(sources, sequences_of([lost, lost]), few)
    with pytest.raises(DataError, match="of 0 examples from 0 playlists"):
        train_ranker(sources, sequences_of([]), few)


def test_a_ranker_of_other_features_is_refused(cycle: tuple[Sources, FlatSequences]) -> None:
    ranker = cycle_ranker()

    for features in (FEATURES[1:], FEATURES[::-1], (*FEATURES, "mood")):
        with pytest.raises(StoreError, match=rf"takes the features {', '.join(features)}; .* Materialize"):
            RankedCandidates.join(cycle[0], replace(ranker, features=features))


@pytest.mark.parametrize("text", ["", "tree\nversion=v4\n", "no model"])
def test_trees_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(StoreError, match=r"The stored ranker is no model .* Materialize track_ranker again"):
        Forest.parse(text)


@pytest.mark.parametrize("leaves", [9, 80])
@pytest.mark.parametrize("missing", [True, False])
def test_a_forest_predicts_as_lightgbm_does_to_the_last_bit(missing: bool, leaves: int) -> None:
    draw = np.random.default_rng(3)
    features = draw.normal(size=(3_000, 6)).round(1).astype(np.float32)
    if missing:
        features[draw.random(features.shape) < 0.2] = np.nan
    labels = np.nansum(features, axis=1) + draw.normal(size=3_000)
    booster = lightgbm.train({"num_leaves": leaves, "verbosity": -1}, lightgbm.Dataset(features, labels), 20)
    asked = np.vstack([features, np.full((1, 6), np.nan, np.float32), np.zeros((1, 6), np.float32)])

    forest = Forest.parse(booster.model_to_string())

    assert forest.predict(asked).tobytes() == np.asarray(booster.predict(asked), np.float32).tobytes()


def test_a_tree_without_a_split_adds_its_only_leaf() -> None:
    nothing = lightgbm.Dataset(np.zeros((9, 1), np.float32), np.ones(9))
    booster = lightgbm.train({"verbosity": -1, "objective": "regression"}, nothing, 2)

    expected = np.asarray(booster.predict(np.zeros((1, 1))), np.float32)
    assert Forest.parse(booster.model_to_string()).predict(np.zeros((1, 1), np.float32)).tolist() == expected.tolist()


def test_without_its_library_lightgbm_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, cycle: tuple[Sources, FlatSequences]
) -> None:
    message = "libgomp.so.1: cannot open shared object file"
    (tmp_path / "lightgbm").mkdir()
    (tmp_path / "lightgbm" / "__init__.py").write_text(f"raise OSError({message!r})\n")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "lightgbm"]:
        monkeypatch.delitem(sys.modules, name)

    with pytest.raises(TrainingError, match=rf"{message}.*apt-get install libgomp1"):
        train_ranker(*cycle, FEW_TREES)
