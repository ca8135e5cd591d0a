"""A wrong search would train for hours before it fails; a lucky trial would be taken for a better one."""

import json
from itertools import product
from typing import Any

import numpy as np
import pytest
import yaml

from rec_assets.core.base.errors import SettingsError
from rec_assets.core.tuning.leaderboard import (
    TrialOutcome,
    TrialState,
    best_config,
    judge,
    leaderboard_rows,
    tell_progress,
)
from rec_assets.core.tuning.search import Choices, Range, Search, SearchSettings, fingerprint, parse_search
from rec_assets.core.tuning.trials import TrialResult
from rec_assets.defs.jobs import TrainingSettings
from rec_assets.paths import SEARCHES


def parsed(**content: Any) -> Search:
    return parse_search(SearchSettings(**{"trials": 2, "parameters": {"window": [10, 5]}, **content}))


def test_a_search_is_read_with_every_value_as_its_setting_has_it() -> None:
    search = parsed(
        parameters={"alpha": {"low": "1e-3", "high": 0.1, "log": True}, "window": {"low": 4, "high": 10, "step": 3},
                    "ns_exponent": {"low": 0, "high": 1}, "query": ["last", "history"]},
        fixed={"epochs": 2, "k": "10"},
    )  # fmt: skip

    assert search.space["alpha"] == Range(0.001, 0.1, log=True)
    assert search.space["window"].steps() == (4, 7, 10)
    assert search.space["ns_exponent"] == Range(0.0, 1.0)
    assert search.space["ns_exponent"].steps() is None
    assert search.space["query"] == Choices(("last", "history"))
    assert search.fixed == {"epochs": 2, "k": 10}
    assert search.defaults == {"alpha": 0.05, "window": 10, "ns_exponent": 0.75, "query": "history"}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"parameters": {"window": [2, 0]}}, "Setting `window` is 0; expected at least 1 and at most 1,000."),
        ({"parameters": {"window": {"low": 2, "high": 2_000}}}, "`window` is 2000; expected at least 1 and at most 1,"),
        ({"parameters": {"window": {"low": 2.5, "high": 5}}}, "`window` is 2.5"),
        ({"parameters": {"query": ["last", "first"]}}, "`query` is 'first'"),
        ({"parameters": {"query": {"low": "last", "high": "history"}}}, "a list of choices, since it is no number"),
        ({"parameters": {"zzqqy": [1]}}, "There is no setting `zzqqy`. The project's docs/settings.md has all"),
        ({"parameters": {"windw": [1]}}, "There is no setting `windw`. Did you mean `window`?"),
        ({"parameters": {"sample_percent": [10]}}, "There is no setting `sample_percent`"),
        ({"parameters": {"window": {"low": 5, "high": 5}}}, "`window` is {'low': 5, 'high': 5}; expected a list of"),
        ({"parameters": {"window": {"low": 9, "high": 5}}}, "`window` is {'low': 9, 'high': 5}; expected low below"),
        ({"parameters": {"window": {"low": 5}}}, "`window` is {'low': 5}; expected a list of choices"),
        ({"parameters": {"window": {"low": 2, "high": 9, "stp": 2}}}, "'stp': 2}; expected a list of choices"),
        ({"parameters": {"window": {"low": 2, "high": 9, "step": 4}}}, "a step that leads from low exactly to high"),
        ({"parameters": {"window": {"low": 2, "high": 9, "step": "x"}}}, "a step that leads from low exactly to high"),
        ({"parameters": {"window": {"low": 2, "high": 4, "step": 0.5}}}, "a step that leads from low exactly to high"),
        ({"parameters": {"ns_exponent": {"low": 0, "high": 1, "log": True}}}, "with true a low above 0 and no step"),
        ({"parameters": {"window": [3, 3]}}, "`window` is [3, 3]; expected a list of choices, each only once"),
        ({"parameters": {"window": 3}}, "`window` is 3; expected a list of choices"),
        ({"parameters": {}}, "`parameters` is {}; expected at least one setting"),
        ({"parameters": {"k": [10, 20]}}, "`k` is what all trials are measured by; expected it in `fixed`."),
        ({"parameters": {"fitted": ["all"]}}, "`fitted` is no setting of a trial"),
        ({"parameters": {"window": [1, 2]}}, "`window` is 10 by default, which is not among the choices [1, 2]."),
        (
            {"parameters": {"window": {"low": 3, "high": 8}}},
            "`window` is 10 by default, which is not among 3 to 8. The first trial is always the defaults, so that the "
            "others can be compared with them. Widen the range, or change its step.",
        ),
        ({"parameters": {"window": {"low": 1, "high": 19, "step": 2}}}, "not among 1 to 19 in steps of 2."),
        ({"fixed": {"window": 3}}, "`window` is in `parameters` and in `fixed`"),
        ({"fixed": {"epochs": 0}}, "`epochs` is 0; expected at least 1 and at most 1,000."),
        ({"sampler": "best"}, "`sampler` is 'best'"),
        ({"trials": 0}, "`trials` is 0; expected a number from 1 to 2, since the parameters have 2 combinations."),
        ({"trials": 9}, "`trials` is 9; expected a number from 1 to 2"),
        ({"workers": 0}, "`workers` is 0; expected at least 1"),
        ({"name": "../x"}, "`name` is '../x'"),
        ({"sampler": "grid", "parameters": {"alpha": {"low": 0.01, "high": 1}}}, "`alpha` is a range of real numbers"),
        ({"parmeters": {}}, "There is no setting `parmeters`"),
        (
            {"parameters": {"windw": [1], "k": [1, 2], "alpha": [9, 0.05]}, "fixed": {"epochs": 0}, "name": "a b"},
            "`name` is 'a b'; expected up to 60 letters without accents, digits, `_` and `-`.\n"
            "`k` is what all trials are measured by; expected it in `fixed`.\n"
            "Setting `epochs` is 0; expected at least 1 and at most 1,000. Change it in the run config. (epochs: "
            "Passes of Word2Vec over the training playlists; twice as many take twice as long. [1 to 1,000])\n"
            "There is no setting `windw`. Did you mean `window`?\n"
            "Setting `alpha` is 9; expected at least 0.0001 and at most 1.",
        ),
    ],
)  # fmt: skip
def test_a_wrong_search_is_refused_with_setting_value_and_bound(content: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError) as refused:
        parsed(**content)

    assert told in str(refused.value)


def test_ready_made_searches_hold_the_defaults_and_end_in_configs_of_training_job() -> None:
    files = sorted(SEARCHES.glob("*.yaml"))
    assert [file.stem for file in files] == ["ranker", "tpe", "tutorial_grid"]
    for file in files:
        search = parse_search(SearchSettings(**yaml.safe_load(file.read_text())))
        assert search.name == file.stem
        assert TrainingSettings(**search.fixed, **search.defaults)


def test_a_grid_is_the_defaults_and_then_every_other_combination_in_the_order_of_the_file() -> None:
    grid = {"sampler": "grid", "parameters": {"window": [5, 10], "alpha": {"low": 0.04, "high": 0.06, "step": 0.01}}}

    planned = [tuple(each.values()) for each in parsed(trials=0, **grid).planned()]

    assert planned == [(10, 0.05), *(each for each in product([5, 10], [0.04, 0.05, 0.06]) if each != (10, 0.05))]
    assert [tuple(each.values()) for each in parsed(trials=3, **grid).planned()] == planned[:3]
    assert parsed(trials=2).planned() == [{"window": 10}]


def test_a_study_is_that_of_a_description_and_of_data_whatever_the_number_of_trials() -> None:
    def name(versions: str = "a", **content: Any) -> str:
        return parsed(**content).study_name({"train_sequences": versions})

    assert name().startswith("search-")
    assert name(trials=1, workers=3) == name()
    others = [name("b"), name(seed=1), name(sampler="random"), name(fixed={"epochs": 3}), name(name="x")]
    assert len({name(), *others, name(parameters={"window": [5, 10]})}) == 7


def outcome(number: int, hits: np.ndarray | None = None, reason: str = "") -> TrialOutcome:
    """A trial of the window 10 (the default) minus ``number`` that found ``hits``."""
    parameters = {"window": 10 - number}
    if hits is None:
        return TrialOutcome(number, parameters, TrialState.failed if reason else TrialState.running, None, reason)
    report = {"hit_rate": hits.mean(), "interval": [0.1, 0.9], "k": 5, "playlists": len(hits), "mrr": 0.3, "ndcg": 0.4}
    return TrialOutcome(number, parameters, TrialState.finished, TrialResult({**report, "hit_rates": {}}, hits, 30.0))


def hits(share: float, playlists: int = 1_000) -> np.ndarray:
    return np.arange(playlists) < share * playlists


def test_the_best_trial_must_beat_the_defaults_beyond_chance() -> None:
    search = parsed()
    better = judge(search, [outcome(0, hits(0.3)), outcome(1, hits(0.4)), outcome(2, reason="x")])
    assert better is not None
    assert not better.keeps_defaults
    assert "Trial 1 is the best (0.4000 on validation). It beats the defaults (0.3000): +0.1000 (" in better.in_words()
    assert yaml.safe_load(best_config(search, better)) == {"window": 9}

    none = judge(search, [outcome(0, hits(0.3)), outcome(1, hits(0.3)), outcome(2, hits(0.2))])
    assert none is not None
    assert "No trial has a higher hit rate than the defaults (0.3000 on validation)." in none.in_words()
    assert yaml.safe_load(best_config(search, none)) == {"window": 10}
    assert best_config(search, none).splitlines()[0].endswith("These are the defaults.")

    lost = judge(search, [outcome(0, reason="x"), outcome(1, hits(0.4))])
    assert lost is not None
    assert "the trial of the defaults did not finish" in lost.in_words()
    assert yaml.safe_load(best_config(search, lost)) == {"window": 9}
    assert judge(search, [outcome(0, reason="x"), outcome(1)]) is None


def test_what_one_trial_proves_the_luckiest_of_many_does_not() -> None:
    search, defaults, lucky = parsed(), outcome(0, hits(0.3)), outcome(1, hits(0.305))
    others = [outcome(number, hits(0.2)) for number in range(2, 12)]

    alone, of_many = judge(search, [defaults, lucky]), judge(search, [defaults, lucky, *others])

    assert alone is not None
    assert of_many is not None
    assert not alone.keeps_defaults
    assert of_many.keeps_defaults
    assert "It does not beat the defaults beyond chance" in of_many.in_words()


def test_the_log_says_how_far_the_search_is() -> None:
    search = parsed(trials=8, workers=2, parameters={"window": {"low": 1, "high": 20}})
    done = [outcome(0, hits(0.3)), outcome(1, hits(0.7062)), outcome(2, reason="x"), outcome(3)]

    assert tell_progress(search, done) == "3/8, about 2 min left, best so far 0.7070"
    assert tell_progress(search, done[2:]) == "1/8"
    assert "trial 2 failed (window=8) x" in done[2].in_one_line()


def test_the_leaderboard_is_in_the_order_of_the_hit_rate_and_of_equals_the_first_is_best() -> None:
    trials = [outcome(3, hits(0.7)), outcome(2), outcome(0, hits(0.7)), outcome(1, reason="too small")]

    rows = leaderboard_rows(parsed(), trials)

    assert [(row["trial"], row["state"], row["is_default"], row["reason"]) for row in rows] == [
        (0, "finished", True, None), (3, "finished", False, None), (1, "failed", False, "too small"),
        (2, "running", False, None),
    ]  # fmt: skip
    assert rows[0]["hit_rate"] == 0.7
    assert rows[2]["hit_rate"] is None


def test_hits_come_back_from_their_bits() -> None:
    for playlists in (1, 7, 8, 2_087):
        found = np.random.default_rng(playlists).random(playlists) < 0.3
        document = json.loads(json.dumps(outcome(0, found).result.as_document()))
        assert (TrialResult.from_document(document).hits == found).all()


def test_a_fingerprint_knows_a_number_by_its_first_twelve_digits() -> None:
    assert fingerprint({"a": 0.1 + 0.2, "b": 1}) == fingerprint({"b": 1, "a": 0.3})
    assert fingerprint({"a": 0.3}) != fingerprint({"a": 0.30001})
