"""Searches are refused before anything runs, and proposals repeat, resume and never double."""

import json
import subprocess
import sys
from itertools import product

import pytest
from rec_assets.settings.tuning import settings_guide

from rec_assets.core.base.errors import SettingsError, StoreError
from rec_assets.core.tuning import (
    Choices,
    Range,
    Sampler,
    Search,
    Trial,
    TrialOutcome,
    TrialState,
    Tried,
    best_outcome,
    judge_trial,
    leaderboard_rows,
    parse_search,
    propose_next,
)
from rec_assets.core.tuning.trials import read_trial

SPACE = {"window": Range(2, 20), "alpha": Range(0.001, 0.1, log=True), "query": Choices(("last", "history"))}


def search_of(sampler: Sampler = Sampler.tpe, trials: int = 20, seed: int = 3, **space) -> Search:
    return Search("s", sampler, trials, seed, space or SPACE, {})


def parsed(**content) -> Search:
    document = {"sampler": "tpe", "trials": 4, "parameters": {"window": [2, 5]}, **content}
    document = {key: value for key, value in document.items() if value is not None}
    return parse_search(document, settings_guide(), source="my.yaml", default_name="my")


def hit_rate_of(parameters) -> float:
    return 1 / (1 + abs(parameters["window"] - 7)) + parameters["alpha"]


def run_to_end(search: Search, tried: list[Tried] | None = None) -> list[Tried]:
    """Trials one after the other, to the end."""
    tried = list(tried or [])
    while (proposal := propose_next(search, tried)) is not None:
        number, parameters = proposal
        tried.append(Tried(number, parameters, TrialState.finished, hit_rate_of(parameters)))
    return tried


def test_a_search_file_is_read_with_every_value_as_its_setting_has_it():
    search = parsed(
        parameters={"alpha": {"low": "1e-3", "high": 0.1, "log": True}, "window": {"low": 2, "high": 8, "step": 3},
                    "ns_exponent": {"low": 0, "high": 1}, "query": ["last", "history"]},
        fixed={"epochs": 2, "k": 10},
    )  # fmt: skip

    assert search.name == "my"
    assert search.space["alpha"] == Range(0.001, 0.1, log=True)
    assert search.space["window"].steps() == (2, 5, 8)
    assert search.space["ns_exponent"] == Range(0.0, 1.0)
    assert not search.space["ns_exponent"].is_whole
    assert search.fixed == {"epochs": 2, "k": 10}
    assert (search.sampler, search.trials, search.seed) == (Sampler.tpe, 4, 0)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"parameters": {"window": [2, 0]}}, "Setting `window` is 0; expected at least 1 and at most 1,000."),
        ({"parameters": {"window": {"low": 2, "high": 2_000}}}, "`window` is 2000; expected at least 1 and at most 1,"),
        ({"parameters": {"window": {"low": 0, "high": 5}}}, "`window` is 0; expected at least 1"),
        ({"parameters": {"window": {"low": 2.5, "high": 5}}}, "`window` is 2.5"),
        ({"parameters": {"query": ["last", "first"]}}, "`query` is 'first'"),
        ({"parameters": {"query": {"low": 1, "high": 2}}}, "`query` is no number"),
        ({"parameters": {"windw": [1]}}, "`windw` is no setting of a trial; did you mean `window`?"),
        ({"parameters": {"sample_percent": [10]}}, "`sample_percent` is no setting of a trial"),
        ({"parameters": {"window": {"low": 5, "high": 5}}}, "`window` goes from 5 to 5; expected low below high"),
        ({"parameters": {"window": {"low": 5}}}, "expected both low and high"),
        ({"parameters": {"window": {"low": 2, "high": 9, "stp": 2}}}, "`window` has `stp`; expected low, high, log"),
        ({"parameters": {"window": {"low": 2, "high": 9, "step": 4}}}, "`window` has step: 4; expected a whole "),
        ({"parameters": {"window": {"low": 2, "high": 9, "step": 0}}}, "`window` has step: 0"),
        ({"parameters": {"window": {"low": 2, "high": 9, "step": "x"}}}, "`window` has step: 'x'"),
        ({"parameters": {"window": {"low": 2, "high": 4, "step": 0.5}}}, "`window` has step: 0.5"),
        ({"parameters": {"ns_exponent": {"low": 0, "high": 1, "log": True}}}, "a low above 0 and no step"),
        ({"parameters": {"window": [3, 3]}}, "`window` has the choices [3, 3]"),
        ({"parameters": {"window": []}}, "`window` has the choices []"),
        ({"parameters": {"window": 3}}, "`window` is 3; expected a list of choices, or low and high."),
        ({"parameters": {}}, "`parameters` is empty"),
        ({"parameters": {"k": [10, 20]}}, "`k` is what all trials are measured by"),
        ({"fixed": {"window": 3}}, "`window` is in `parameters` and in `fixed`"),
        ({"fixed": {"epochs": 0}}, "`epochs` is 0; expected at least 1 and at most 1,000."),
        ({"fixed": {"source": "x"}}, "`source` is no setting of a trial"),
        ({"sampler": "best"}, "`sampler` is 'best'; expected one of grid, random, tpe."),
        ({"trials": 0}, "`trials` is 0; expected a whole number from 1 to 1,000."),
        ({"trials": None}, "`trials` is None"),
        ({"trials": True}, "`trials` is True"),
        ({"trials": 9}, "`trials` is 9, but the parameters have 2 combinations only. Set it to 2 or less."),
        ({"seed": -1}, "`seed` is -1"),
        ({"name": "a b"}, "`name` is 'a b'"),
        ({"name": "../x"}, "`name` is '../x'"),
        ({"sampler": "grid", "parameters": {"alpha": {"low": 0.1, "high": 0.2}}}, "`alpha` is a range of real numbers"),
        ({"parmeters": {}}, "The file has `parmeters`; expected name, sampler,"),
    ],
)  # fmt: skip
def test_a_wrong_search_file_is_refused_with_file_setting_value_and_bound(content, told):
    with pytest.raises(SettingsError) as refused:
        parsed(**{"trials": 2, **content})

    assert str(refused.value).startswith("Search my.yaml: ")
    assert told in str(refused.value)
    assert "run config" not in str(refused.value)


@pytest.mark.parametrize("document", [None, [], "x", {1: 2}])
def test_a_file_of_something_else_is_refused(document):
    with pytest.raises(SettingsError, match=r"Search my.yaml: The file holds .*; expected values by name."):
        parse_search(document, settings_guide(), source="my.yaml", default_name="my")


def test_a_grid_makes_every_combination_once_in_the_order_of_the_file():
    search = parsed(
        sampler="grid", trials=None, parameters={"window": [5, 2], "alpha": {"low": 0.1, "high": 0.3, "step": 0.1}}
    )

    tried = [trial.parameters for trial in run_to_end(search)]

    assert search.trials == 6
    assert [(each["window"], each["alpha"]) for each in tried] == list(product([5, 2], [0.1, 0.2, 0.3]))


def test_a_grid_fills_the_gap_that_a_deleted_trial_left():
    search = search_of(Sampler.grid, 3, window=Choices((2, 5, 9)))
    tried = [Tried(0, {"window": 2}, TrialState.finished, 0.1), Tried(2, {"window": 9}, TrialState.failed)]

    assert propose_next(search, tried) == (1, {"window": 5})


@pytest.mark.parametrize("sampler", [Sampler.random, Sampler.tpe])
def test_proposals_repeat_with_their_seed_and_differ_with_another(sampler):
    first = run_to_end(search_of(sampler))

    assert run_to_end(search_of(sampler)) == first
    assert [trial.parameters for trial in run_to_end(search_of(sampler, seed=4))] != [t.parameters for t in first]


@pytest.mark.parametrize("sampler", list(Sampler))
@pytest.mark.parametrize("finished", [0, 1, 7, 11])
def test_a_search_taken_up_again_goes_on_as_if_it_had_not_been_stopped(sampler, finished):
    space = {"window": Range(2, 20), "alpha": Range(0.1, 0.5, step=0.1)}
    search = search_of(sampler, 12, **space)
    whole = run_to_end(search)

    assert run_to_end(search, whole[:finished]) == whole


def test_tpe_goes_where_hits_are():
    tpe, random = (
        [hit_rate_of(trial.parameters) for trial in run_to_end(search_of(sampler, 40))[20:]]
        for sampler in (Sampler.tpe, Sampler.random)
    )

    assert sum(tpe) > 1.3 * sum(random)


@pytest.mark.parametrize("sampler", list(Sampler))
@pytest.mark.parametrize("state", [TrialState.pending, TrialState.failed, TrialState.outdated])
def test_what_is_at_work_or_failed_is_not_proposed_again(sampler, state):
    search = search_of(sampler, 12, window=Choices((1, 2, 3, 4)), query=Choices(("last", "history", "x")))
    tried: list[Tried] = []
    while (proposal := propose_next(search, tried)) is not None:
        tried.append(Tried(*proposal, state))

    assert {(trial.parameters["window"], trial.parameters["query"]) for trial in tried} == set(
        product((1, 2, 3, 4), ("last", "history", "x"))
    )
    assert [trial.number for trial in tried] == list(range(12))


def test_trials_at_work_change_what_tpe_proposes():
    finished = run_to_end(search_of(trials=8))
    search = search_of(trials=20)
    first = propose_next(search, finished)
    assert first is not None

    second = propose_next(search, [*finished, Tried(*first, TrialState.pending)])

    assert second is not None
    assert second[1] != first[1]


def test_optuna_is_imported_only_to_propose():
    program = "import sys, rec_assets.core.tuning; print('optuna' in sys.modules)"

    assert (
        subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "False\n"
    )


TRIAL = Trial("s", 4, {"window": 5}, {"epochs": 2}, {"sampler": "tpe"})
SETTINGS, VERSIONS = {"window": 5, "epochs": 2}, {"train_sequences": "a", "validation_sequences": "b"}
REPORT = {"lineage": {"settings": SETTINGS, "inputs": {**VERSIONS, "trial_embeddings/s-004": "c"}}}


def test_a_trial_is_called_after_its_search_and_comes_back_from_its_document():
    assert TRIAL.key == "s-004"
    assert TRIAL.settings == {"window": 5, "epochs": 2}
    assert read_trial(json.loads(json.dumps(TRIAL.as_document())), source="x") == TRIAL
    for broken in ({}, [], {**TRIAL.as_document(), "number": None}):
        with pytest.raises(StoreError, match=r"x is no trial of a search .* Delete it"):
            read_trial(broken, source="x")


@pytest.mark.parametrize(
    ("report", "changed", "failed", "state"),
    [
        (REPORT, {}, False, TrialState.finished),
        (REPORT, {}, True, TrialState.finished),
        (REPORT, {"settings": {**SETTINGS, "epochs": 3}}, False, TrialState.outdated),
        (REPORT, {"versions": {**VERSIONS, "train_sequences": "z"}}, False, TrialState.outdated),
        (REPORT, {"versions": {**VERSIONS, "validation_sequences": None}}, False, TrialState.outdated),
        (REPORT, {"versions": {**VERSIONS, "train_sequences": "z"}}, True, TrialState.failed),
        (None, {}, True, TrialState.failed),
        (None, {}, False, TrialState.pending),
    ],
)
def test_how_far_a_trial_has_come(report, changed, failed, state):
    assert judge_trial(report, **{"settings": SETTINGS, "versions": VERSIONS, "failed": failed, **changed}) is state


def outcome(number: int, state: TrialState = TrialState.finished, hit_rate: float = 0.5, **more) -> TrialOutcome:
    report = {"hit_rate": hit_rate, "interval": [0.1, 0.9], "hit_rates": {"10": 0.2}, "mrr": 0.3, "ndcg": 0.4, **more}
    trial = Trial("s", number, {"window": number}, {}, {})
    return TrialOutcome(trial, state, report if state is TrialState.finished else None, 1.5)


def test_the_best_trial_hits_most_often_and_of_equals_is_the_first():
    outcomes = [outcome(3, hit_rate=0.7), outcome(2), outcome(1, hit_rate=0.7), outcome(0, TrialState.failed)]

    rows = leaderboard_rows(outcomes)

    assert best_outcome(outcomes) is outcomes[2]
    assert [(row["trial"], row["state"], row["is_best"]) for row in rows] == [
        ("s-001", "finished", True),
        ("s-003", "finished", False),
        ("s-002", "finished", False),
        ("s-000", "failed", False),
    ]
    assert rows[0] == {
        "trial": "s-001", "state": "finished", "parameters": '{"window": 1}', "hit_rate": 0.7, "hit_rate_low": 0.1,
        "hit_rate_high": 0.9, "hit_rate_at_10": 0.2, "mrr": 0.3, "ndcg": 0.4, "seconds": 1.5, "is_best": True,
    }  # fmt: skip
    assert rows[3]["hit_rate"] is None


def test_without_a_finished_trial_none_is_best():
    outcomes = [outcome(1, TrialState.pending), outcome(0, TrialState.outdated)]

    assert best_outcome(outcomes) is None
    assert [row["trial"] for row in leaderboard_rows(outcomes)] == ["s-000", "s-001"]
    assert not any(row["is_best"] for row in leaderboard_rows(outcomes))
