"""What people rely on: keys, edges, jobs, settings, and who may import whom; without this they change unnoticed."""

import ast
from collections.abc import Iterator
from datetime import timedelta
from enum import Enum
from graphlib import TopologicalSorter
from pathlib import Path

import dagster as dg
import pytest
import yaml

import rec_assets
from rec_assets import definitions
from rec_assets.core.base.errors import SettingsError
from rec_assets.core.recommender.settings import chosen_contender
from rec_assets.defs.flat_config import InvalidJobSettings
from rec_assets.defs.jobs import STEP_SETTINGS, DevTrainingSettings, TrainingSettings, TuningSettings, TutorialSettings
from rec_assets.paths import CONFIGS, fresh_days

PARTS = ("train_sequences", "validation_sequences", "test_sequences")
UPSTREAM: dict[str, set[str]] = {
    "raw_playlists": set(),
    "track_catalog": {"raw_playlists"},
    "playlist_sequences": {"raw_playlists", "track_catalog"},
    **{part: {"playlist_sequences"} for part in PARTS},
    "track_embeddings": {"train_sequences"},
    "track_ranker": {"track_catalog", "train_sequences"},
    "recommender": {"track_catalog", "train_sequences", "track_embeddings", "track_ranker"},
    "validation_ranks": {"recommender", "validation_sequences"},
    "validation_hit_rate": {"validation_ranks"},
    "validation_slices": {"validation_ranks"},
    "test_ranks": {"recommender", "test_sequences"},
    "test_hit_rate": {"test_ranks"},
    "model_leaderboard": {"recommender", "validation_sequences"},
    "recommendation_report": {
        *("track_catalog", "track_embeddings", "recommender", "validation_sequences"),
        *("validation_hit_rate", "test_hit_rate", "validation_slices", "model_leaderboard"),
    },
    "promotion_decision": {
        *("track_catalog", "playlist_sequences", "train_sequences", "validation_sequences"),
        *("recommender", "validation_ranks", "validation_hit_rate", "model_leaderboard"),
    },
    "promoted_model": {"promotion_decision", "track_catalog", "recommender"},
    "playlist_recommendations": {"promoted_model", "track_catalog", "playlist_sequences"},
}
GROUPS = {
    "1_ingestion": {"raw_playlists", "track_catalog"},
    "2_preparation": {"playlist_sequences", *PARTS},
    "3_training": {"track_embeddings", "track_ranker", "recommender"},
    "4_evaluation": {
        *("validation_ranks", "validation_hit_rate", "validation_slices", "test_ranks", "test_hit_rate"),
        *("model_leaderboard", "recommendation_report"),
    },
    "5_promotion": {"promotion_decision", "promoted_model", "playlist_recommendations"},
    "6_tuning": {"tuning_leaderboard"},
}
# By the storage of an asset.
NO_TABLES = {
    "safetensors": {"track_embeddings", "recommender", "promoted_model"},
    "json": {"track_ranker", "validation_hit_rate", "test_hit_rate", "promotion_decision"},
    "html": {"recommendation_report"},
}
# As their user named them.
SPINE = {"raw_playlists", "playlist_sequences", *PARTS, "track_embeddings", "validation_hit_rate", "test_hit_rate"}
PACKAGE = Path(rec_assets.__file__).parent


@pytest.fixture(scope="module")
def graph():
    return definitions.defs.resolve_asset_graph()


def names(keys) -> set[str]:
    return {key.path[-1] for key in keys}


def test_the_graph_is_the_one_in_the_readme_and_no_larger(graph) -> None:
    executable = {key.path[-1]: names(graph.get(key).parent_keys) for key in graph.executable_asset_keys}

    assert executable == UPSTREAM
    assert len(executable) <= 20
    assert sum(map(len, executable.values())) <= 45
    assert executable.keys() >= SPINE
    assert names(graph.external_asset_keys) == {"tuning_leaderboard"}
    assert not [key for key in graph.get_all_asset_keys() if graph.get(key).partitions_def]


def test_every_asset_has_its_group_an_owner_a_description_kinds_a_code_version_and_its_columns(graph) -> None:
    nodes = {key.path[-1]: graph.get(key) for key in graph.get_all_asset_keys()}

    assert {group: {n for n, node in nodes.items() if node.group_name == group} for group in GROUPS} == GROUPS
    stored = {"parquet": nodes.keys() - set().union(*NO_TABLES.values()), **NO_TABLES}
    for name, node in nodes.items():
        assert node.owners == ["team:recommendations"], name
        assert node.description, name
        assert node.description.endswith("."), name
        assert node.code_version or not node.is_executable, name
        assert {kind for kind in stored if kind in node.kinds} == {k for k, own in stored.items() if name in own}, name
        assert ("dagster/column_schema" in node.metadata) == (name in stored["parquet"]), name


def test_checks_that_guard_what_follows_are_blocking(graph) -> None:
    blocking = {(key.asset_key.path[-1], key.name) for key in graph.asset_check_keys if graph.get(key).blocking}

    assert blocking == {
        ("train_sequences", "splits_are_disjoint_and_complete"),
        ("track_embeddings", "vectors_are_finite"),
        ("validation_hit_rate", "is_a_share"),
        ("test_hit_rate", "is_a_share"),
        ("promotion_decision", "candidate_may_be_promoted"),
    }


def test_the_jobs_their_assets_the_schedule_and_the_sensor() -> None:
    defs = definitions.defs
    jobs = {"training_job", "dev_training_job", "tutorial_job", "tuning_job"}
    assert {job.name for job in defs.jobs or []} == jobs
    assets = {name: names(defs.resolve_job_def(name).asset_layer.executable_asset_keys) for name in jobs}

    assert assets == {
        "training_job": set(UPSTREAM),
        "dev_training_job": UPSTREAM.keys() - GROUPS["5_promotion"],
        "tutorial_job": SPINE | {"track_catalog", "recommender", "validation_ranks", "test_ranks"},
        "tuning_job": set(),
    }
    schedule = defs.resolve_schedule_def("weekly_training_schedule")
    assert (schedule.job_name, schedule.cron_schedule) == ("training_job", "0 5 * * 1")
    assert schedule.execution_timezone == "UTC"
    (sensor,) = defs.sensors or []
    assert isinstance(sensor, dg.SensorDefinition)
    assert (sensor.name, sensor.job_name, sensor.minimum_interval_seconds) == (
        *("source_change_sensor", "training_job"),
        60,
    )


def test_what_readers_use_has_a_freshness_policy_of_the_schedule(graph) -> None:
    policies = {key.path[-1]: graph.get(key).freshness_policy for key in graph.get_all_asset_keys()}

    assert {name for name, policy in policies.items() if policy} == {"promoted_model", "playlist_recommendations"}
    policy = policies["promoted_model"]
    assert policy.warn_window.to_timedelta() == timedelta(days=8)
    assert policy.fail_window.to_timedelta() == timedelta(days=9)


@pytest.mark.parametrize(("text", "days"), [(None, 7), ("", 7), ("0.5", 0.5), ("weekly", None), ("0", None)])
def test_days_between_trainings_come_from_the_environment(monkeypatch, text: str | None, days: float | None) -> None:
    if text is not None:
        monkeypatch.setenv("REC_ASSETS_FRESH_DAYS", text)
    if days is not None:
        assert fresh_days() == days
        return
    with pytest.raises(SettingsError, match=f"REC_ASSETS_FRESH_DAYS is '{text}'; expected days"):
        fresh_days()


def test_a_job_and_materialize_all_start_from_the_same_defaults() -> None:
    flat = TrainingSettings().as_dict()

    for settings in STEP_SETTINGS.values():
        own = settings().as_dict()
        assert own == {name: flat[name] for name in own}


def test_the_tutorials_job_starts_from_its_config_and_the_dev_job_from_a_tenth() -> None:
    config = yaml.safe_load((CONFIGS / "tutorial.yaml").read_text())
    whole = TrainingSettings(**config, fitted="chosen")

    own = TutorialSettings()
    assert own.as_dict() == {name: whole.as_dict()[name] for name in TutorialSettings.model_fields}
    assert config.keys() <= TutorialSettings.model_fields.keys()
    assert chosen_contender(own).label == "last_track"
    dev = DevTrainingSettings().as_dict()
    assert dev == {name: value for name, value in TrainingSettings().as_dict().items() if name in dev} | {
        "sample_percent": 10.0
    }


def test_the_tutorials_job_refuses_what_needs_a_ranker_before_any_step() -> None:
    mapping = definitions.defs.resolve_job_def("tutorial_job").config_mapping
    assert mapping is not None
    for asked in ({"strategy": "ranker"}, {"fitted": "all"}):
        with pytest.raises(InvalidJobSettings, match="run training_job"):
            mapping.resolve_from_unvalidated_config(asked)


@pytest.mark.parametrize("path", sorted(CONFIGS.glob("*.yaml")), ids=lambda path: path.stem)
def test_ready_made_configs_are_accepted(path: Path) -> None:
    settings = TrainingSettings(**yaml.safe_load(path.read_text()))

    assert chosen_contender(settings).label == ("last_track" if path.stem == "tutorial" else "ranker")


@pytest.mark.parametrize("settings", [TrainingSettings, TuningSettings])
def test_each_setting_is_described_in_sentences_and_ends_with_its_bounds(settings: type) -> None:
    for name, schema in settings.model_json_schema()["properties"].items():
        text, _, bounds = schema["description"].partition(" [")
        assert text.endswith("."), name
        # A setting of one strategy or step begins with the name of that.
        assert text[0].isupper() or "_" in text.split()[0], name
        numbers = [schema[key] for key in schema if key.endswith(("imum", "inimum", "aximum"))]
        assert bool(numbers) == bounds.endswith("]"), name
        for number in numbers:
            assert f"{number:,}".removesuffix(".0") in bounds, name


# Who imports whom.


def imports(path: Path) -> Iterator[str]:
    """The modules that are imported when the module at ``path`` is: not in functions, not for the type checker."""
    left: list[ast.AST] = [ast.parse(path.read_text(encoding="utf-8"))]
    while left:
        node = left.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            left += node.orelse
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            left += ast.iter_child_nodes(node)


MODULES = {path.relative_to(PACKAGE): list(imports(path)) for path in PACKAGE.rglob("*.py")}


def room_of(module: str) -> str:
    """The package, at most two folders deep, of a module of rec_assets; a module of the top stands for itself."""
    parts = module.split(".")[1:]
    while parts and not (folder := PACKAGE.joinpath(*parts)).is_dir() and not folder.with_suffix(".py").exists():
        parts.pop()  # the name of a thing in a module
    is_package = PACKAGE.joinpath(*parts).is_dir()
    folders = parts if is_package else parts[:-1]
    return ".".join(folders[:2] or parts) or "rec_assets"


@pytest.mark.parametrize("settings", [TrainingSettings, TuningSettings])
def test_each_choice_is_written_by_its_name_in_a_config_and_in_the_launchpad(settings: type) -> None:
    """A config gives values, and Dagster takes names."""
    choices = [one for field in settings.model_fields.values() for one in _choices(field.annotation)]

    assert [one for one in choices if one.name != one.value] == []
    assert len(choices) > 4


def _choices(annotation: object) -> list[Enum]:
    return list(annotation) if isinstance(annotation, type) and issubclass(annotation, Enum) else []


def test_the_core_knows_neither_dagster_nor_the_shell_and_serving_loads_no_dagster() -> None:
    for path, found in MODULES.items():
        outside = [module for module in found if module.split(".")[0] in ("dagster", "dagster_duckdb")]
        own = [module for module in found if module.startswith("rec_assets.")]
        if path.parts[0] == "core":
            assert not outside, path
            assert all(m.startswith(("rec_assets.core", "rec_assets.__version__")) for m in own), path
        if path.parts[0] in ("serving", "store"):
            assert not outside or path.parts[0] == "store", path
            assert not [module for module in own if module.startswith("rec_assets.def")], path


def test_packages_do_not_import_in_a_circle() -> None:
    edges: dict[str, set[str]] = {}
    for path, found in MODULES.items():
        module = ".".join(["rec_assets", *path.with_suffix("").parts]).removesuffix(".__init__")
        own = room_of(module)
        others = {room_of(name) for name in found if name.startswith("rec_assets.")}
        edges.setdefault(own, set()).update(others - {own})

    assert {"core.base", "core.recommender", "defs.evaluation", "store", "serving.http"} <= edges.keys()
    TopologicalSorter(edges).prepare()
