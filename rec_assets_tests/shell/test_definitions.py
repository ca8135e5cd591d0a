"""The contract of the graph: keys, dependencies, groups, jobs, cron. What is pinned here, people rely on."""

import ast
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
import yaml

import rec_assets
from rec_assets import definitions
from rec_assets.core.base.errors import SettingsError
from rec_assets.defs.jobs import PROMOTION_SETTINGS, STEP_SETTINGS, TrainingSettings
from rec_assets.paths import fresh_days
from rec_assets.settings.tuning import TrialSettings, load_search
from rec_assets_tests.conftest import SMALL, Project

STRATEGIES = {"track_catalog", "train_sequences", "track_embeddings", "track_ranker"}
COMPARED = {"model_leaderboard", "strategy_ranks", "example_recommendations"}
TUNING = {"trial_embeddings", "trial_hit_rate", "tuning_leaderboard"}
UPSTREAM = {
    "raw_playlists": set(),
    "track_catalog": {"raw_playlists"},
    "playlist_sequences": {"raw_playlists", "track_catalog"},
    "train_sequences": {"playlist_sequences"},
    "validation_sequences": {"playlist_sequences"},
    "test_sequences": {"playlist_sequences"},
    "base_sequences": {"train_sequences"},
    "ranker_sequences": {"train_sequences"},
    "track_embeddings": {"train_sequences"},
    "base_embeddings": {"base_sequences"},
    "track_ranker": {"track_catalog", "base_sequences", "base_embeddings", "ranker_sequences"},
    "validation_ranks": {*STRATEGIES, "validation_sequences"},
    "test_ranks": {*STRATEGIES, "test_sequences"},
    "validation_hit_rate": {"validation_ranks"},
    "test_hit_rate": {"test_ranks"},
    "validation_slices": {"validation_ranks"},
    **{name: {*STRATEGIES, "validation_sequences"} for name in COMPARED},
    "recommendation_report": {
        *("track_catalog", "track_embeddings", "validation_ranks", "test_ranks", "validation_hit_rate"),
        *("test_hit_rate", "validation_slices", *COMPARED),
    },
    "promotion_decision": {
        *("raw_playlists", "track_catalog", "playlist_sequences", "train_sequences", "track_embeddings"),
        *("validation_sequences", "validation_ranks", "validation_hit_rate"),
    },
    "promoted_model": {*STRATEGIES, "promotion_decision"},
    "playlist_recommendations": {"promoted_model", "track_catalog", "playlist_sequences"},
    "trial_embeddings": {"train_sequences"},
    "trial_hit_rate": {
        *("track_catalog", "train_sequences", "base_sequences", "ranker_sequences", "validation_sequences"),
        "trial_embeddings",
    },
    "tuning_leaderboard": {"trial_hit_rate"},
}
GROUPS = {
    "ingestion": {"raw_playlists", "track_catalog"},
    "preparation": {
        *("playlist_sequences", "train_sequences", "validation_sequences", "test_sequences"),
        *("base_sequences", "ranker_sequences"),
    },
    "training": {"track_embeddings", "base_embeddings", "track_ranker"},
    "evaluation": {
        *("validation_ranks", "test_ranks", "validation_hit_rate", "test_hit_rate", "validation_slices"),
        *(*COMPARED, "recommendation_report"),
    },
    "promotion": {"promotion_decision", "promoted_model", "playlist_recommendations"},
    "tuning": TUNING,
}
NO_TABLES = {
    *("track_embeddings", "base_embeddings", "track_ranker"),
    *("validation_hit_rate", "test_hit_rate", "recommendation_report", "promotion_decision", "promoted_model"),
    *("trial_embeddings", "trial_hit_rate"),
}
PACKAGE = Path(rec_assets.__file__).parent


@pytest.fixture(scope="module")
def graph():
    return definitions.defs.resolve_asset_graph()


def test_the_graph_is_the_one_in_the_readme(graph) -> None:
    keys = graph.get_all_asset_keys()

    assert {key.path[-1]: {up.path[-1] for up in graph.get(key).parent_keys} for key in keys} == UPSTREAM


def test_every_asset_has_its_group_a_description_kinds_an_owner_and_a_code_version(graph) -> None:
    nodes = {key.path[-1]: graph.get(key) for key in graph.get_all_asset_keys()}

    assert {group: {n for n, node in nodes.items() if node.group_name == group} for group in GROUPS} == GROUPS
    for name, node in nodes.items():
        assert node.description, name
        assert node.kinds, name
        assert node.owners == ["team:recommendations"], name
        assert node.code_version, name


def test_checks_that_guard_what_follows_are_blocking(graph) -> None:
    blocking = {(key.asset_key.path[-1], key.name) for key in graph.asset_check_keys if graph.get(key).blocking}

    assert ("train_sequences", "splits_are_disjoint_and_complete") in blocking
    assert ("base_sequences", "ranker_playlists_are_kept_aside") in blocking
    assert ("track_embeddings", "vectors_are_finite") in blocking
    assert ("base_embeddings", "vectors_are_finite") in blocking
    assert ("validation_hit_rate", "is_a_share") in blocking
    assert ("promotion_decision", "candidate_may_be_promoted") in blocking
    assert {asset for asset, name in blocking if name == "has_rows_of_its_schema"} == set(UPSTREAM) - NO_TABLES


def test_the_jobs_run_all_but_tuning_of_dev_runs_nothing_is_promoted_and_the_schedule_runs_on_mondays() -> None:
    expected = {"training_job": set(UPSTREAM) - TUNING}
    expected["dev_training_job"] = expected["training_job"] - GROUPS["promotion"]
    for name, assets in expected.items():
        job = definitions.defs.resolve_job_def(name)
        assert {key.path[-1] for key in job.asset_layer.executable_asset_keys} == assets
    schedule = definitions.defs.resolve_schedule_def("weekly_training_schedule")
    assert (schedule.job_name, schedule.cron_schedule, schedule.execution_timezone) == (
        "training_job",
        "0 5 * * 1",
        "UTC",
    )


def test_a_trial_is_a_partition_and_never_measured_on_test() -> None:
    job = definitions.defs.resolve_job_def("trial_job")

    assert {key.path[-1] for key in job.asset_layer.executable_asset_keys} == {"trial_embeddings", "trial_hit_rate"}
    assert job.partitions_def is not None
    assert job.partitions_def.name == "tuning_trials"
    assert not [parent for name in TUNING for parent in UPSTREAM[name] if parent.startswith("test_")]


@pytest.mark.parametrize("path", sorted((PACKAGE / "searches").glob("*.yaml")), ids=lambda path: path.stem)
def test_ready_made_searches_are_accepted(path: Path) -> None:
    search = load_search(path.stem)

    assert search == load_search(str(path))
    assert search.trials == {"tutorial_grid": 3, "tpe": 12, "ranker": 8}[search.name]
    if search.name == "tutorial_grid":
        settings = yaml.safe_load((PACKAGE / "configs" / "tutorial.yaml").read_text())
        own = {name: value for name, value in settings.items() if name in TrialSettings.model_fields}
        assert {**search.fixed, "min_count": 3} == own


def test_a_job_and_materialize_all_start_from_the_same_defaults() -> None:
    flat = TrainingSettings()

    for settings in {**STEP_SETTINGS, **PROMOTION_SETTINGS}.values():
        own = settings().as_dict()
        assert own == {name: flat.as_dict()[name] for name in own}


def test_the_dev_job_samples_a_tenth_unless_told_otherwise(project: Project) -> None:
    dev = {"source": str(project.source), **SMALL}
    mapping = project.definitions.resolve_job_def("dev_training_job").config_mapping

    assert mapping is not None
    config = mapping.resolve_from_unvalidated_config(dev)
    assert config["ops"]["playlist_sequences"]["config"]["sample_percent"] == 10
    config = mapping.resolve_from_unvalidated_config({**dev, "sample_percent": 2.5})
    assert config["ops"]["playlist_sequences"]["config"]["sample_percent"] == 2.5


@pytest.mark.parametrize("path", sorted((PACKAGE / "configs").glob("*.yaml")), ids=lambda path: path.stem)
def test_ready_made_configs_are_accepted(path: Path) -> None:
    settings = TrainingSettings(**yaml.safe_load(path.read_text()))

    if path.stem == "tutorial":
        assert (settings.split_seed, settings.epochs, settings.vector_size, settings.window) == (
            42,
            30,
            48,
            10,
        )
        assert (settings.min_count, settings.ns_exponent, settings.sg, settings.k) == (3, 0.75, 0, 100)
        assert settings.contender().label == "last_track"
    else:
        assert settings.contender().label == "ranker"


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


@pytest.mark.parametrize("path", sorted((PACKAGE / "core").rglob("*.py")), ids=lambda path: path.stem)
def test_the_core_knows_neither_dagster_nor_the_shell(path: Path) -> None:
    for module in _imports(path):
        assert module.split(".")[0] != "dagster"
        if module.startswith("rec_assets"):
            assert module.startswith("rec_assets.core")


def test_the_command_imports_neither_dagster_nor_gensim() -> None:
    program = "import sys, rec_assets.serving.main; print(sorted({'dagster', 'gensim'} & set(sys.modules)))"

    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_what_readers_use_has_a_freshness_policy_of_the_schedule(graph) -> None:
    policies = {key.path[-1]: graph.get(key).freshness_policy for key in graph.get_all_asset_keys()}

    assert {name for name, policy in policies.items() if policy} == {"promoted_model", "playlist_recommendations"}
    policy = policies["promoted_model"]
    assert (policy.warn_window.to_timedelta(), policy.fail_window.to_timedelta()) == (
        timedelta(days=8),
        timedelta(days=9),
    )


@pytest.mark.parametrize(("text", "days"), [(None, 7), ("", 7), ("1", 1), ("0.5", 0.5)])
def test_days_between_trainings_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, text: str | None, days: float
) -> None:
    if text is not None:
        monkeypatch.setenv("REC_ASSETS_FRESH_DAYS", text)

    assert fresh_days() == days


@pytest.mark.parametrize("text", ["weekly", "0", "-1", "nan", "1e9"])
def test_wrong_days_between_trainings_are_named(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("REC_ASSETS_FRESH_DAYS", text)

    with pytest.raises(SettingsError, match=f"REC_ASSETS_FRESH_DAYS is '{text}'; expected days"):
        fresh_days()


def test_the_sensor_starts_the_same_job_as_the_schedule() -> None:
    (sensor,) = definitions.defs.sensors or []
    assert isinstance(sensor, dg.SensorDefinition)

    assert sensor.job_name == "training_job"
    assert sensor.minimum_interval_seconds == 60
