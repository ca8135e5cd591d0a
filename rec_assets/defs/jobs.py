"""The jobs: the whole graph, a tenth of the playlists, the tutorial, and a search; each with one flat config."""

from collections.abc import Callable, Mapping
from copy import copy
from enum import Enum
from typing import Any

import click
import dagster as dg
import yaml
from pydantic import create_model

from rec_assets.core.base.errors import SettingsError
from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.recommender.recommender import asks_ranker
from rec_assets.defs.evaluation import EVALUATION
from rec_assets.defs.ingestion import INGESTION
from rec_assets.defs.preparation import PREPARATION
from rec_assets.defs.promotion import PROMOTION
from rec_assets.defs.training import TRAINING
from rec_assets.defs.tuning import TUNING, SearchConfig, executor_of, search_graph
from rec_assets.paths import CONFIGS

ROOMS = (INGESTION, PREPARATION, TRAINING, EVALUATION, PROMOTION, TUNING)
# Of rooms whose assets are materialized: those of tuning are reported by its job.
_GROUPS = [room.name for room in ROOMS if room.assets]
STEP_SETTINGS = {step: config for room in ROOMS for step, config in room.settings.items()}
_DEV_STEPS = {step: config for step, config in STEP_SETTINGS.items() if step not in PROMOTION.settings}
_TUTORIAL_STEPS = {
    step: STEP_SETTINGS[step]
    for step in ("raw_playlists", "playlist_sequences", "split_sequences", "track_embeddings", "recommender")
}
SPINE = dg.AssetSelection.assets(
    *("raw_playlists", "track_catalog", "playlist_sequences"),
    *("train_sequences", "validation_sequences", "test_sequences", "track_embeddings", "recommender"),
    *("validation_ranks", "validation_hit_rate", "test_ranks", "test_hit_rate"),
)


class LogLevel(Enum):
    """Levels of the console log."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class JobSettings(Settings):
    """What all jobs take."""

    log_level: LogLevel = setting(LogLevel.INFO, "What the shell shows; the event log in the UI keeps everything.")


class InvalidJobSettings(dg.DagsterError, click.ClickException):
    """The flat config of a job is refused, before any step.

    A DagsterError, because Dagster reports any other error of a config mapping as "unexpected"; a
    ClickException, because its command line then prints the message alone, without a hundred lines of stack.
    """


def flat_settings(
    name: str, steps: Mapping[str, type[dg.Config]], defaults: Mapping[str, Any] | None = None
) -> type[Any]:
    """The config class ``name``: every setting of ``steps``, flat, some with other ``defaults``."""
    bases = (*dict.fromkeys(steps.values()), JobSettings)
    model: Any = create_model(name, __base__=bases, __doc__=f"Every setting of {', '.join(steps)}, flat.")
    changed = {}
    for field_name, default in (defaults or {}).items():
        field = copy(model.model_fields[field_name])
        field.default = default
        changed[field_name] = (field.annotation, field)
    return create_model(name, __base__=model, __doc__=model.__doc__, **changed) if changed else model


def flat_config(
    settings_class: type[Any],
    steps: Mapping[str, type[Any]],
    require: Callable[[Any], None] = lambda settings: None,
    executor: Callable[[Any], dict[str, Any] | None] = lambda settings: None,
) -> dg.ConfigMapping:
    """Checks a flat config at launch, also by ``require``, and hands each step, and the ``executor``, its part."""

    def to_run_config(values: dict[str, Any]) -> dict[str, Any]:
        try:
            settings = settings_class(**values)
            require(settings)
            execution = executor(settings)
        except SettingsError as error:
            raise InvalidJobSettings(f"{error}\nNothing was run.") from None
        ops = {step: {"config": config.among(settings)} for step, config in steps.items()}
        run_config = {"ops": ops, "loggers": {"console": {"config": {"log_level": settings.log_level.value}}}}
        return {**run_config, **({"execution": {"config": execution}} if execution else {})}

    return dg.ConfigMapping(config_fn=to_run_config, config_schema=settings_class.to_config_schema())


def _require_no_ranker(settings: Any) -> None:
    if asks_ranker(settings):
        raise SettingsError(
            f"tutorial_job trains no ranker, and strategy {settings.strategy.value} with fitted: "
            f"{settings.fitted.value} needs one. Choose another strategy with fitted: chosen, or run training_job."
        )


def _tutorial_defaults() -> dict[str, Any]:
    """The tutorial's settings, and nothing fitted but its own way to recommend."""
    values = yaml.safe_load((CONFIGS / "tutorial.yaml").read_text(encoding="utf-8"))
    spine = flat_settings("Spine", _TUTORIAL_STEPS)
    own = {name: value for name, value in values.items() if name in spine.model_fields} | {"fitted": "chosen"}
    typed = spine(**own)
    return {name: getattr(typed, name) for name in own}


TrainingSettings = flat_settings("TrainingSettings", STEP_SETTINGS)
DevTrainingSettings = flat_settings("DevTrainingSettings", _DEV_STEPS, {"sample_percent": 10.0})
TutorialSettings = flat_settings("TutorialSettings", _TUTORIAL_STEPS, _tutorial_defaults())

training_job = dg.define_asset_job(
    "training_job",
    selection=dg.AssetSelection.groups(*_GROUPS),
    config=flat_config(TrainingSettings, STEP_SETTINGS),
    description="The whole graph: playlists to hit rates, promoted model and recommendations, on all playlists.",
)
dev_training_job = dg.define_asset_job(
    "dev_training_job",
    selection=dg.AssetSelection.groups(*(name for name in _GROUPS if name != PROMOTION.name)),
    config=flat_config(DevTrainingSettings, _DEV_STEPS),
    description="The graph without promotion, on a tenth of the playlists; what it makes is marked as a dev run's, and "
    "never promoted.",
    tags={"rec_assets/dev_run": "true"},
)
tutorial_job = dg.define_asset_job(
    "tutorial_job",
    selection=SPINE,
    config=flat_config(TutorialSettings, _TUTORIAL_STEPS, _require_no_ranker),
    description="The spine alone, from playlists to the two hit rates, with the tutorial's settings.",
)
_SEARCH_STEPS = {op.name: SearchConfig for op in search_graph.node_defs}
TuningSettings = flat_settings("TuningSettings", _SEARCH_STEPS)
tuning_job = search_graph.to_job(
    "tuning_job",
    config=flat_config(TuningSettings, _SEARCH_STEPS, executor=executor_of),
    executor_def=dg.multi_or_in_process_executor,
    description="A search for better settings, on validation: trials of one Optuna study, `tuning_leaderboard`, and a "
    "config of training_job. Ready-made searches are in rec_assets/searches.",
)
ALL_JOBS = [training_job, dev_training_job, tutorial_job, tuning_job]
