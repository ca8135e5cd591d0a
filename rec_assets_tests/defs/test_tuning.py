"""A search would redo finished trials, lose those of a killed worker, or train on data that it is not named after."""

import json
import multiprocessing
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import optuna
import pyarrow.parquet as pq
import pytest
import yaml

from rec_assets.core.base.errors import DataError, SettingsError, StoreError, TrainingError
from rec_assets.core.tuning.leaderboard import TrialState
from rec_assets.core.tuning.search import Search, SearchSettings, parse_search
from rec_assets.core.tuning.trials import TrialResult
from rec_assets.defs.flat_config import InvalidJobSettings
from rec_assets.defs.jobs import STEP_SETTINGS, TrainingSettings
from rec_assets.defs.tuning import ops, study
from rec_assets.defs.tuning.journal import SealedJournal
from rec_assets.defs.tuning.study import STORAGE, SearchStudy, open_storage
from rec_assets_tests.conftest import SPLITS, Project

SMALL = {"k": 5, "min_count": 1, "epochs": 2, "vector_size": 8, "reproducible": True, "strategy": "track_vectors"}
SPINE = ["raw_playlists", "track_catalog", "playlist_sequences"]


def search_of(**content: Any) -> Search:
    known = {"trials": 6, "seed": 3, "parameters": {"window": {"low": 2, "high": 20}, "alpha": [0.025, 0.05]}}
    return parse_search(SearchSettings(**{**known, **content}))


def study_of(folder: Path, search: Search) -> SearchStudy:
    storage, locks = open_storage(str(folder), search.name)
    return SearchStudy(search, search.study_name({}), storage, locks)


def result_of(parameters: dict[str, Any]) -> TrialResult:
    hits = np.arange(100) < 50 - abs(parameters["window"] - 7)
    return TrialResult({"hit_rate": float(hits.mean()), "playlists": 100}, hits, 1.0)


def run_search(folder: Path, search: Search, run: Callable = result_of) -> list[dict[str, Any]]:
    """The parameters of the trials that were run now."""
    found = study_of(folder, search)
    found.prepare()
    done = []
    found.work(0, run, done.append)
    return [dict(outcome.parameters) for outcome in done]


def stopping_at(number: int, error: BaseException) -> Callable:
    """Runs trials until the one with this number of those run, which ends the worker."""
    count = 0

    def run(parameters: dict[str, Any]) -> TrialResult:
        nonlocal count
        count += 1
        if count > number:
            raise error
        return result_of(parameters)

    return run


@pytest.mark.parametrize("sampler", ["grid", "random", "tpe"])
def test_the_defaults_come_first_and_no_combination_twice(tmp_path: Path, sampler: str) -> None:
    """Twelve trials of twelve combinations, so that every sampler runs out of new ones."""
    search = search_of(sampler=sampler, trials=12, parameters={"window": {"low": 8, "high": 13}, "sg": [1, 0]})

    tried = run_search(tmp_path, search)

    assert tried[0] == {"window": 10, "sg": 1}
    assert len({tuple(each.values()) for each in tried}) == len(tried) == 12
    if sampler == "grid":
        assert tried == search.planned()


@pytest.mark.parametrize("sampler", ["grid", "random", "tpe"])
@pytest.mark.parametrize("stopped", [1, 7])
def test_a_search_taken_up_again_goes_on_as_if_it_had_not_been_stopped(
    tmp_path: Path, sampler: str, stopped: int
) -> None:
    """What runs when the process ends is run again, of a grid after the others."""
    search = search_of(sampler=sampler, trials=10)
    whole = run_search(tmp_path / "whole", search)
    with pytest.raises(KeyboardInterrupt):
        run_search(tmp_path, search, stopping_at(stopped, KeyboardInterrupt()))

    rest = run_search(tmp_path, search)

    left = whole[stopped:]
    assert rest == ([*left[1:], left[0]] if sampler == "grid" else left)
    assert run_search(tmp_path, search) == []
    assert sorted(outcome.state.value for outcome in study_of(tmp_path, search).outcomes()) == ["finished"] * 10


def test_a_search_that_is_made_longer_adds_trials_and_another_description_is_another_study(tmp_path: Path) -> None:
    first = run_search(tmp_path, search_of(trials=3))

    assert run_search(tmp_path, search_of(trials=5))[:3] not in (first, [])
    assert len(study_of(tmp_path, search_of()).outcomes()) == 5
    assert len(run_search(tmp_path, search_of(trials=3, fixed={"epochs": 3}))) == 3


def test_tpe_goes_where_hits_are(tmp_path: Path) -> None:
    space = {"window": {"low": 1, "high": 1_000}}
    late = {
        sampler: np.mean([abs(each["window"] - 7) for each in run_search(tmp_path / sampler, search_of(
            sampler=sampler, trials=40, parameters=space))[20:]])
        for sampler in ("tpe", "random")
    }  # fmt: skip

    assert late["tpe"] < 0.5 * late["random"]


def test_a_trial_that_fails_keeps_its_reason_and_the_search_goes_on(tmp_path: Path) -> None:
    def run(parameters: dict[str, Any]) -> TrialResult:
        if parameters == {"window": 10, "alpha": 0.05}:
            raise TrainingError("it diverged")
        return result_of(parameters)

    search = search_of()
    assert len(run_search(tmp_path, search, run)) == 6
    first = study_of(tmp_path, search).outcomes()[0]
    assert (first.state, first.reason) == (TrialState.failed, "it diverged")
    assert run_search(tmp_path, search, run) == []


def _hang(folder: Path, search: Search) -> None:
    """A worker whose first trial takes for ever."""

    def run(parameters: dict[str, Any]) -> TrialResult:
        (folder / "started").touch()
        time.sleep(600)
        return result_of(parameters)

    run_search(folder, search, run)


def wait_until(look: Callable[[], bool]) -> None:
    for _ in range(600):
        if look():
            return
        time.sleep(0.1)
    raise AssertionError("waited for a minute")


@pytest.mark.parametrize("database", [False, True])
def test_a_trial_of_a_killed_worker_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, database: bool
) -> None:
    if database:
        monkeypatch.setenv(STORAGE, f"sqlite:///{tmp_path}/optuna.db")
    search = search_of(trials=2)
    child = multiprocessing.get_context("spawn").Process(target=_hang, args=(tmp_path, search))
    child.start()
    wait_until((tmp_path / "started").exists)
    (running,) = study_of(tmp_path, search).prepare()
    assert (running.number, running.state) == (0, TrialState.running)
    child.kill()
    child.join()
    monkeypatch.setattr(study, "_HEARTBEAT_SECONDS", 1)  # the next ones take it for dead after two

    tried = run_search(tmp_path, search)

    assert len(tried) == 2
    assert search.defaults in tried
    assert not list(tmp_path.glob("tuning/.worker-*"))


def test_a_trial_whose_worker_was_killed_with_its_result_written_is_not_run_again(tmp_path: Path) -> None:
    search, path = search_of(trials=3), tmp_path / "tuning" / "search.jsonl"
    run_search(tmp_path, search)
    whole = study_of(tmp_path, search).outcomes()
    records = path.read_bytes().splitlines(keepends=True)
    last = max(number for number, record in enumerate(records) if b'"result"' in record)
    path.write_bytes(b"".join(records[: last + 1]))
    assert study_of(tmp_path, search).outcomes()[-1].state is TrialState.running

    assert run_search(tmp_path, search) == []
    again = study_of(tmp_path, search).outcomes()
    assert [(one.number, one.state, one.hit_rate) for one in again] == [
        (one.number, one.state, one.hit_rate) for one in whole
    ]


def test_a_remote_store_without_a_database_is_refused_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=r"The store s3://a/b is no local folder.* Set REC_ASSETS_TUNING_STORAGE"):
        open_storage("s3://a/b", "x")
    monkeypatch.setenv(STORAGE, "nonsense://user:secret@host/x")
    with pytest.raises(SettingsError, match=r"REC_ASSETS_TUNING_STORAGE cannot be opened") as refused:
        open_storage("s3://a/b", "x")
    assert "secret" not in str(refused.value)


def test_a_journal_goes_on_after_a_kill_and_reports_damage_and_optuna_reads_it(tmp_path: Path) -> None:
    search, path = search_of(trials=3), tmp_path / "tuning" / "search.jsonl"
    run_search(tmp_path, search)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"op_code":6,"work')  # a writer was killed

    assert len(run_search(tmp_path, search_of(trials=4))) == 1
    backend = optuna.storages.journal.JournalFileBackend(str(path))
    name = search.study_name({})
    theirs = optuna.load_study(study_name=name, storage=optuna.storages.JournalStorage(backend))
    assert len(theirs.trials) == 4

    for place in range(0, len(whole) - 1, 97):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << place % 8
        path.write_bytes(damaged)
        if b'"crc32":' in whole[place - 7 : place + 8]:  # without this word a record counts as another program's
            continue
        with pytest.raises(StoreError, match=f"{path} is damaged in line"):
            list(SealedJournal(path).read_logs(0))


@pytest.fixture
def prepared(project: Project) -> Project:
    project.materialize([*SPINE, *SPLITS], {"raw_playlists": {"source": str(project.source)}})
    return project


def tune(project: Project, *, check: bool = True, **content: Any) -> dg.ExecuteInProcessResult:
    config = {"sampler": "grid", "parameters": {"window": [10, 1, 2]}, "fixed": SMALL, **content}
    job = project.definitions.resolve_job_def("tuning_job")
    return job.execute_in_process(run_config=config, instance=project.instance, raise_on_error=check)


def reported(project: Project) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Rows of the leaderboard, and the metadata that was reported with them."""
    event = project.instance.get_latest_materialization_event(dg.AssetKey("tuning_leaderboard"))
    metadata = {name: entry.value for name, entry in event.asset_materialization.metadata.items()}
    return pq.read_table(project.store / "tuning_leaderboard.parquet").to_pylist(), metadata


def test_the_job_reports_a_leaderboard_and_writes_a_config_of_training_job(prepared: Project) -> None:
    tune(prepared)

    rows, metadata = reported(prepared)
    assert [row["state"] for row in rows] == ["finished"] * 3
    assert {row["trial"]: json.loads(row["parameters"]) for row in rows}[0] == {"window": 10}
    assert rows[0]["hit_rate"] == max(row["hit_rate"] for row in rows)
    assert metadata["best_trial"] == rows[0]["trial"]
    assert "data:image/png" in metadata["parallel_coordinates"]
    assert set(metadata["lineage"]["inputs"]) == {"track_catalog", "train_sequences", "validation_sequences"}
    best = (prepared.store / "tuning" / "search.best.yaml").read_text()
    settings = TrainingSettings(**yaml.safe_load(best))
    assert (settings.vector_size, settings.strategy.value) == (8, "track_vectors")
    assert metadata["verdict"] in best
    assert ("These are the defaults." in best) == (settings.window == 10) == metadata["keeps_defaults"]


def test_a_search_in_which_nothing_beats_the_defaults_says_so(prepared: Project) -> None:
    tune(prepared, parameters={"item_knn_window": [10, 5]}, fixed={**SMALL, "strategy": "popularity"})

    _, metadata = reported(prepared)
    assert metadata["verdict"].startswith("No trial has a higher hit rate than the defaults")
    best = (prepared.store / "tuning" / "search.best.yaml").read_text()
    assert "These are the defaults." in best
    assert yaml.safe_load(best)["item_knn_window"] == 10


def test_the_same_search_trains_nothing_again_and_other_playlists_are_another_study(
    prepared: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = []
    run_trial = ops.run_trial
    monkeypatch.setattr(
        ops, "run_trial", lambda data, settings: trained.append(settings.window) or run_trial(data, settings)
    )
    tune(prepared, workers=2)
    assert trained == [10, 1, 2]
    tune(prepared)
    assert trained == [10, 1, 2]
    prepared.materialize(SPLITS, {"split_sequences": {"split_seed": 1}})
    tune(prepared)
    assert trained == [10, 1, 2, 10, 1, 2]


@pytest.mark.parametrize("strategy", ["track_vectors", "item_knn", "ranker"])
def test_a_trial_measures_what_the_graph_measures_with_the_same_settings(prepared: Project, strategy: str) -> None:
    small = {**SMALL, "strategy": strategy, "ranker_trees": 7, "ranker_examples": 40, "ranker_more_cuts": 1}
    tune(prepared, fixed=small, trials=1)
    settings = TrainingSettings(**small, fitted="chosen")
    made = ["track_embeddings", *(["track_ranker"] if strategy == "ranker" else []), "recommender"]
    steps = {step: STEP_SETTINGS[step].among(settings) for step in made}
    prepared.materialize([*made, "validation_ranks", "validation_hit_rate"], steps)

    expected = json.loads((prepared.store / "validation_hit_rate.json").read_text())
    rows, _ = reported(prepared)
    names = ("hit_rate", "mrr", "ndcg")
    assert [rows[0][name] for name in names] == [expected[name] for name in names]


def test_what_cannot_be_searched_is_refused_before_or_at_the_first_step(project: Project) -> None:
    with pytest.raises(InvalidJobSettings, match=r"`window` is \[3, 3\].*\nNothing was run\."):
        tune(project, parameters={"window": [3, 3]})
    with pytest.raises(StoreError, match="track_catalog is not in the store"):
        tune(project)


def test_a_search_whose_trials_all_fail_ends_with_the_reason(prepared: Project) -> None:
    with pytest.raises(
        TrainingError, match=r"no trial finished\. The first: trial 0 failed \(window=10\) min_count=999"
    ):
        tune(prepared, fixed={**SMALL, "min_count": 999})

    rows, _ = reported(prepared)
    assert [row["state"] for row in rows] == ["failed"] * 3
    assert rows[0]["reason"].startswith("min_count=999 leaves 0 tracks")


def test_workers_refuse_playlists_that_were_replaced_since_the_search_was_prepared(
    prepared: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = ops._read_data

    def read_late(store: Any) -> Any:
        prepared.materialize(SPLITS, {"split_sequences": {"split_seed": 1}})
        return read(store)

    monkeypatch.setattr(ops, "_read_data", read_late)
    with pytest.raises(DataError, match="another run replaced the playlists"):
        tune(prepared)


def test_the_leaderboard_is_in_the_graph_and_no_job_over_assets_makes_it(project: Project) -> None:
    graph = project.definitions.resolve_asset_graph()
    key = dg.AssetKey("tuning_leaderboard")

    assert graph.get(key).is_external
    assert {parent.to_user_string() for parent in graph.get(key).parent_keys} == {
        "track_catalog", "train_sequences", "validation_sequences",
    }  # fmt: skip
    for job in ("training_job", "dev_training_job", "tutorial_job"):
        assert key not in project.definitions.resolve_job_def(job).asset_layer.executable_asset_keys


def test_optuna_is_loaded_only_where_it_is_asked() -> None:
    program = "import sys, rec_assets.definitions; sys.exit('optuna' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
