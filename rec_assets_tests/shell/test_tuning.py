"""Trials as partitions, their leaderboard, and the command that runs them, up to the processes."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner

from rec_assets.assets.tuning.outcomes import last_run
from rec_assets.serving.main import main
from rec_assets.core.base.errors import SettingsError, StoreError, TrainingError
from rec_assets.core.vectors.embeddings_file import load_embeddings
from rec_assets.core.tuning import Search, Trial, TrialState
from rec_assets.definitions import build_definitions
from rec_assets.store.atomic import TEMPORARY_PREFIX
from rec_assets.store.trial_files import TrialFiles
from rec_assets.settings.tuning import load_search
from rec_assets.tuning.launchers import WebserverLauncher
from rec_assets.tuning.session import Session, failure_reason
from rec_assets.tuning.tune import best_config
from rec_assets_tests.conftest import Project, made_rows, write_unescaped_csv
from rec_assets_tests.shell.stored_values import open_store

SEQUENCES = [
    *("raw_playlists", "track_catalog", "playlist_sequences", "train_sequences", "validation_sequences"),
    *("test_sequences", "base_sequences", "ranker_sequences"),
]
TINY = {"k": 5, "min_count": 1, "epochs": 2, "vector_size": 8, "reproducible": True}
RANKER = {"ranker_trees": 7, "ranker_examples": 40, "ranker_more_cuts": 1}
GRID = {"sampler": "grid", "parameters": {"window": [1, 2, 5]}, "fixed": {**TINY, "strategy": "track_vectors"}}


@pytest.fixture(scope="module")
def sequences(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the sequences of the playlists of ``project``, to be copied."""
    folder = tmp_path_factory.mktemp("sequences")
    with dg.DagsterInstance.ephemeral() as instance:
        project = Project(folder, instance, write_unescaped_csv(folder / "playlists.csv", made_rows()))
        materialize_sequences(project)
    return project.store


@pytest.fixture
def prepared(project: Project, sequences: Path) -> Project:
    shutil.copytree(sequences, project.store)
    return project


def materialize_sequences(project: Project, **config: Any) -> None:
    project.materialize(SEQUENCES, {"raw_playlists": {"source": str(project.source)}, **config})


def write_search(project: Project, name: str = "small", **content: Any) -> str:
    path = project.folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({**GRID, **content}))
    return str(path)


def add_trial(project: Project, number: int, search: str = "s", **settings: Any) -> str:
    """A trial of a strategy in the store and as a partition."""
    parameters = {"strategy": settings.pop("strategy")}
    description = {"parameters": {"strategy": ["popularity", "item_knn", "track_vectors", "ranker"]}}
    trial = Trial(search, number, parameters, {**TINY, **settings}, description)
    TrialFiles(str(project.store)).write(trial, project.folder)
    project.instance.add_dynamic_partitions("tuning_trials", [trial.key])
    return trial.key


def run_trial(project: Project, key: str, *, check: bool = True) -> dg.ExecuteInProcessResult:
    job = project.definitions.resolve_job_def("trial_job")
    return job.execute_in_process(partition_key=key, instance=project.instance, raise_on_error=check)


def leaderboard(project: Project, **config: str) -> tuple[list[dict], dict[str, Any]]:
    """Rows and metadata of the leaderboard, materialized now."""
    result = project.materialize(["tuning_leaderboard"], {"tuning_leaderboard": config})
    assert all(check.passed for check in result.get_asset_check_evaluations())
    (event,) = result.get_asset_materialization_events()
    metadata = {name: value.value for name, value in event.step_materialization_data.materialization.metadata.items()}
    return pq.read_table(project.store / "tuning_leaderboard.parquet").to_pylist(), metadata


def report(project: Project, key: str) -> dict[str, Any]:
    return json.loads((project.store / "trial_hit_rate" / f"{key}.json").read_text())


def metadata_of(result: dg.ExecuteInProcessResult, name: str) -> dict[str, Any]:
    (event,) = [e for e in result.get_asset_materialization_events() if e.asset_key == dg.AssetKey(name)]
    return {key: value.value for key, value in event.step_materialization_data.materialization.metadata.items()}


def test_partitions_lie_in_files_of_their_own_with_their_own_settings_and_lineage(prepared: Project) -> None:
    sizes = (4, 6)
    keys = [add_trial(prepared, n, strategy="track_vectors", vector_size=size) for n, size in enumerate(sizes)]
    results = [run_trial(prepared, key) for key in keys]

    for key, size, result in zip(keys, sizes, results, strict=True):
        model = load_embeddings(prepared.store / "trial_embeddings" / f"{key}.safetensors", verify=True)
        assert model.input_vectors.shape[1] == size
        found = report(prepared, key)
        assert found["parameters"] == {"strategy": "track_vectors"}
        assert found["lineage"]["settings"]["vector_size"] == size
        assert f"trial_embeddings/{key}" in found["lineage"]["inputs"]
        assert metadata_of(result, "trial_hit_rate")["hit_rate"] == pytest.approx(found["hit_rate"], rel=1e-3)
        assert metadata_of(result, "trial_embeddings")["trained"] is True
    versions = [report(prepared, key)["lineage"]["data_version"] for key in keys]
    assert versions[0] != versions[1]
    assert not list(prepared.store.rglob(f"{TEMPORARY_PREFIX}*"))


def test_a_trial_measures_what_the_graph_measures_with_the_same_settings(prepared: Project) -> None:
    """Of every kind of strategy; the ranker of a trial is trained on the parts that the graph trains it on."""
    small = {name: value for name, value in TINY.items() if name != "k"}
    prepared.materialize(
        ["track_embeddings", "base_embeddings", "track_ranker"],
        {"track_embeddings": small, "base_embeddings": small, "track_ranker": RANKER},
    )
    hit_rates = {}
    for number, strategy in enumerate(("track_vectors", "item_knn", "ranker")):
        key = add_trial(prepared, number, strategy=strategy, **RANKER)
        run_trial(prepared, key)
        prepared.materialize(
            ["validation_ranks", "validation_hit_rate"],
            {"validation_ranks": {"k": 5, "strategy": strategy}, "validation_hit_rate": {"k": 5}},
        )
        expected = json.loads((prepared.store / "validation_hit_rate.json").read_text())
        found = report(prepared, key)
        for name in ("hit_rate", "interval", "mrr", "ndcg", "cold_targets", "popularity_hit_rate", "playlists"):
            assert found[name] == expected[name], (strategy, name)
        hit_rates[strategy] = found["hit_rate"]
    assert len(set(hit_rates.values())) > 1


def test_a_strategy_without_vectors_trains_none_and_says_so(prepared: Project) -> None:
    key = add_trial(prepared, 0, strategy="popularity")
    result = run_trial(prepared, key)

    assert metadata_of(result, "trial_embeddings")["trained"] is False
    model = load_embeddings(prepared.store / "trial_embeddings" / f"{key}.safetensors")
    assert not model.input_vectors.any()
    assert model.hyperparameters["trained"] is False


def test_a_trial_without_its_file_says_what_to_do(prepared: Project) -> None:
    prepared.instance.add_dynamic_partitions("tuning_trials", ["s-007"])
    with pytest.raises(StoreError, match=r"s-007.json does not exist.*Run rec-assets tune"):
        run_trial(prepared, "s-007")


def test_the_leaderboard_tells_finished_failed_pending_and_outdated_trials_apart(prepared: Project) -> None:
    run_trial(prepared, add_trial(prepared, 0, strategy="popularity"))
    run_trial(prepared, add_trial(prepared, 9, search="other", strategy="item_knn"))
    materialize_sequences(prepared, split_sequences={"split_seed": 1}, raw_playlists={"source": str(prepared.source)})
    run_trial(prepared, add_trial(prepared, 1, strategy="popularity"))
    run_trial(prepared, add_trial(prepared, 2, strategy="item_knn"))
    assert not run_trial(prepared, add_trial(prepared, 3, strategy="track_vectors", min_count=999), check=False).success
    add_trial(prepared, 4, strategy="track_vectors")

    rows, metadata = leaderboard(prepared, search="s")

    states = {row["trial"]: row["state"] for row in rows}
    assert states == {
        "s-000": "outdated", "s-001": "finished", "s-002": "finished", "s-003": "failed", "s-004": "pending",
    }  # fmt: skip
    best = max(("s-001", "s-002"), key=lambda key: report(prepared, key)["hit_rate"])
    assert [row["trial"] for row in rows if row["is_best"]] == [best] == [rows[0]["trial"]]
    assert rows[0]["hit_rate"] == report(prepared, best)["hit_rate"]
    assert rows[0]["seconds"] > 0
    assert [row["hit_rate"] for row in rows[2:]] == [None] * 3
    assert (metadata["best_trial"], metadata["finished"], metadata["failed"]) == (best, 2, 1)
    assert "| s-003   | failed" in metadata["leaderboard"]
    assert "data:image/png" in metadata["parallel_coordinates"]
    reason = failure_reason(prepared.instance, "s-003")
    assert reason is not None
    assert reason.startswith("trial_embeddings failed. min_count=999 leaves no track")


def test_a_search_must_be_named_where_the_store_has_several(prepared: Project) -> None:
    with pytest.raises(SettingsError, match=r"`search` is empty, .* holds no trial"):
        leaderboard(prepared)
    add_trial(prepared, 0, strategy="popularity")
    assert leaderboard(prepared)[1]["search"] == "s"
    add_trial(prepared, 0, search="t", strategy="popularity")
    with pytest.raises(SettingsError, match=r"holds the trials of s, t\. Name one search"):
        leaderboard(prepared)


class InProcess:
    """A launcher that runs a trial at once, here; ``broken`` trials end without a word."""

    def __init__(self, project: Project, broken: tuple[str, ...] = ()) -> None:
        self.project, self.broken, self.started, self.stopped = project, broken, [], []

    def start(self, trial: str, search: str) -> "InProcess":
        self.started.append(trial)
        if trial not in self.broken:
            run_trial(self.project, trial, check=False)
        return self

    def has_ended(self) -> bool:
        return True

    def last_words(self) -> str:
        return "its process ended with 9"

    def stop(self) -> None:
        self.stopped.append(self.started[-1])


@pytest.fixture
def tune(prepared: Project) -> Callable[..., tuple[list[str], list[TrialState], str]]:
    """Runs a session of a search; returns the trials that were started, the states of all, and what was told."""

    def run(search: Search, broken: tuple[str, ...] = ()) -> tuple[list[str], list[TrialState], str]:
        launcher, told = InProcess(prepared, broken), []
        with open_store(str(prepared.store)) as store:
            session = Session(
                search, store, prepared.instance, launcher, parallel=1, workers=1, scratch=prepared.folder,
                tell=told.append,
            )  # fmt: skip
            outcomes = session.run()
        return launcher.started, [outcome.state for outcome in outcomes], "\n".join(told)

    return run


def test_finished_trials_are_not_run_again_and_failed_ones_are(prepared: Project, tune: Callable) -> None:
    search = load_search(write_search(prepared))

    first, states, told = tune(search, broken=("small-001",))
    assert first == ["small-000", "small-001", "small-002"]
    assert states == [TrialState.finished, TrialState.failed, TrialState.finished]
    assert "small-001 FAILED after" in told
    assert "its process ended with 9" in told
    assert "hit rate@5 0." in told
    assert set(prepared.instance.get_dynamic_partitions("tuning_trials")) == set(first)
    runs = [last_run(prepared.instance, key) for key in ("small-000", "small-002")]

    again, states, told = tune(search)
    assert again == ["small-001"]
    assert states == [TrialState.finished] * 3
    assert "2 finished before, 1 to be run again" in told
    assert [last_run(prepared.instance, key) for key in ("small-000", "small-002")] == runs

    assert tune(search)[0] == []


def test_other_playlists_make_every_trial_run_again(prepared: Project, tune: Callable) -> None:
    search = load_search(write_search(prepared, parameters={"window": [1, 2]}))
    tune(search)
    materialize_sequences(prepared, split_sequences={"split_seed": 1}, raw_playlists={"source": str(prepared.source)})

    assert tune(search)[0] == ["small-000", "small-001"]


def test_trials_of_another_description_are_not_mixed_in(prepared: Project, tune: Callable) -> None:
    tune(load_search(write_search(prepared, parameters={"window": [1]})))

    assert tune(load_search(write_search(prepared, parameters={"window": [1]}, trials=1)))[0] == []
    with pytest.raises(SettingsError, match=r"`parameters` was .*\[1\]\}, now .*\[1, 2\]\}\. Give the search another"):
        tune(load_search(write_search(prepared, parameters={"window": [1, 2]})))


def test_a_search_that_is_made_longer_goes_on_where_it_ended(prepared: Project, tune: Callable) -> None:
    space = {"window": {"low": 1, "high": 9}, "ns_exponent": {"low": 0, "high": 1}}
    short = write_search(prepared, sampler="tpe", trials=2, parameters=space)
    tune(load_search(short))

    assert tune(load_search(short, trials=3))[0] == ["small-002"]


def test_a_run_of_a_session_that_was_killed_is_ended_in_the_instance(prepared: Project, tune: Callable) -> None:
    tags = {"rec_assets/tune": "small", "dagster/partition": "small-000"}
    job = prepared.definitions.resolve_job_def("trial_job")
    lost = prepared.instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.STARTED)
    other = prepared.instance.create_run_for_job(
        job, tags={**tags, "rec_assets/tune": "other"}, status=dg.DagsterRunStatus.STARTED
    )
    tune(load_search(write_search(prepared, parameters={"window": [1]})))

    statuses = [prepared.instance.get_run_by_id(run.run_id).status for run in (lost, other)]
    assert statuses == [dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.STARTED]


def test_a_store_without_sequences_is_refused_before_any_trial(project: Project) -> None:
    search = load_search(write_search(project))
    with open_store(str(project.store)) as store, pytest.raises(StoreError, match="Run training_job first"):
        Session(
            search, store, project.instance, InProcess(project), parallel=1, workers=1, scratch=project.folder,
            tell=str,
        ).run()  # fmt: skip


def test_training_threads_are_shared_out_unless_the_search_says_how_many(prepared: Project, tune: Callable) -> None:
    tune(load_search(write_search(prepared, "a", parameters={"window": [1]})))
    tune(load_search(write_search(prepared, "b", parameters={"workers": [3]})))

    files = TrialFiles(str(prepared.store))
    assert files.read("a-000").settings["workers"] == 1
    assert files.read("b-000").settings["workers"] == 3


def test_another_seed_is_another_search(project: Project) -> None:
    path = write_search(project)

    assert load_search(path, seed=0).name == "small"
    assert (load_search(path, seed=5).name, load_search(path, seed=5).seed) == ("small-seed5", 5)


def test_the_best_config_is_one_of_the_training_job(prepared: Project, tune: Callable) -> None:
    from rec_assets.assets.tuning.outcomes import trial_outcomes
    from rec_assets.defs.jobs import TrainingSettings

    search = load_search(write_search(prepared, parameters={"window": [4]}))
    tune(search)
    with open_store(str(prepared.store)) as store:
        text = best_config(search, trial_outcomes(prepared.instance, store, "small")[0])

    assert text.startswith("# Trial small-000: hit rate@5 0.")
    settings = TrainingSettings(**yaml.safe_load(text))
    assert (settings.window, settings.vector_size, settings.strategy.value) == (4, 8, "track_vectors")
    assert "workers" not in yaml.safe_load(text)


@pytest.mark.parametrize("home", [None, "relative", "/nowhere/at/all"])
def test_the_command_says_what_to_set_without_an_instance(monkeypatch, tmp_path: Path, home: str | None) -> None:
    if home:
        monkeypatch.setenv("DAGSTER_HOME", home)
    result = CliRunner().invoke(main, ["tune", "tpe", "--storage", str(tmp_path)])

    assert result.exit_code == 1
    assert f"DAGSTER_HOME is {home!r}; expected the absolute path of a folder" in result.output
    assert "export DAGSTER_HOME=" in result.output


def test_the_command_refuses_what_is_no_search(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["tune", "nosuch", "--storage", str(tmp_path)])
    assert result.exit_code == 1
    told = "no search file nosuch. Expected the path of a YAML file, or one of ranker, tpe, tutorial_grid"
    assert told in result.output
    (tmp_path / "bad.yaml").write_text("sampler: [")
    result = CliRunner().invoke(main, ["tune", str(tmp_path / "bad.yaml"), "--storage", str(tmp_path)])
    assert result.exit_code == 1
    assert "cannot be read" in result.output


def test_a_web_server_that_is_none_is_named(project: Project) -> None:
    with pytest.raises(SettingsError, match="--webserver is 'here'; expected a URL such as"):
        WebserverLauncher("here", project.instance)
    launcher = WebserverLauncher("http://127.0.0.1:9", project.instance)
    with pytest.raises(TrainingError, match=r"http://127.0.0.1:9 did not take s-000 \(.*refused"):
        launcher.start("s-000", "s")


def test_definitions_over_a_store_with_trials_run_the_other_jobs(prepared: Project) -> None:
    """Folders of partitions lie beside the files that jobs read."""
    run_trial(prepared, add_trial(prepared, 0, strategy="popularity"))
    definitions = build_definitions(str(prepared.store))

    keys = definitions.resolve_job_def("training_job").asset_layer.executable_asset_keys
    assert not {key.path[-1] for key in keys} & {"trial_embeddings", "trial_hit_rate", "tuning_leaderboard"}
