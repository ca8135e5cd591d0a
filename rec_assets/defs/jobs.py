"""The jobs over assets: the whole graph, a tenth of the playlists, and the tutorial; each with one flat config."""

from collections.abc import Mapping
from copy import copy
from enum import Enum
from typing import Any

import click
import dagster as dg
import yaml
from pydantic import create_model

from rec_assets.core.base.errors import SettingsError
from rec_assets.core.base.settings import Settings, setting
from rec_assets.defs.evaluation import EVALUATION
from rec_assets.defs.ingestion import INGESTION
from rec_assets.defs.preparation import PREPARATION
from rec_assets.defs.promotion import PROMOTION
from rec_assets.defs.training import TRAINING
from rec_assets.paths import CONFIGS

ROOMS = (INGESTION, PREPARATION, TRAINING, EVALUATION, PROMOTION)
STEP_SETTINGS = {step: config for room in ROOMS for step, config in room.settings.items()}
_SPINE_STEPS = ("raw_playlists", "playlist_sequences", "split_sequences", "track_embeddings", "recommender")
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


def flat_config(settings_class: type[Any], steps: Mapping[str, type[Any]]) -> dg.ConfigMapping:
    """Checks a flat config at launch and hands each step its part."""

    def to_run_config(values: dict[str, Any]) -> dict[str, Any]:
        try:
            settings = settings_class(**values)
        except SettingsError as error:
            raise InvalidJobSettings(f"{error}\nNothing was run.") from None
        ops = {step: {"config": config.among(settings)} for step, config in steps.items()}
        return {"ops": ops, "loggers": {"console": {"config": {"log_level": settings.log_level.value}}}}

    return dg.ConfigMapping(config_fn=to_run_config, config_schema=settings_class.to_config_schema())


def _without_promotion() -> dict[str, type[dg.Config]]:
    return {step: config for step, config in STEP_SETTINGS.items() if step not in PROMOTION.settings}


def _tutorial_defaults() -> dict[str, Any]:
    """The tutorial's settings, and nothing fitted but its own way to recommend."""
    values = yaml.safe_load((CONFIGS / "tutorial.yaml").read_text(encoding="utf-8"))
    spine = flat_settings("Spine", {step: STEP_SETTINGS[step] for step in _SPINE_STEPS})
    typed = spine(**{name: value for name, value in values.items() if name in spine.model_fields}, fitted="chosen")
    return {name: getattr(typed, name) for name in (*values, "fitted") if name in spine.model_fields}


TrainingSettings = flat_settings("TrainingSettings", STEP_SETTINGS)
DevTrainingSettings = flat_settings("DevTrainingSettings", _without_promotion(), {"sample_percent": 10.0})
_TUTORIAL_STEPS = {step: STEP_SETTINGS[step] for step in _SPINE_STEPS}
TutorialSettings = flat_settings("TutorialSettings", _TUTORIAL_STEPS, _tutorial_defaults())

training_job = dg.define_asset_job(
    "training_job",
    selection=dg.AssetSelection.groups(*(room.name for room in ROOMS)),
    config=flat_config(TrainingSettings, STEP_SETTINGS),
    description="The whole graph: playlists to hit rates, promoted model and recommendations, on all playlists.",
)
dev_training_job = dg.define_asset_job(
    "dev_training_job",
    selection=dg.AssetSelection.groups(*(room.name for room in ROOMS if room is not PROMOTION)),
    config=flat_config(DevTrainingSettings, _without_promotion()),
    description="The graph without promotion, on a tenth of the playlists; what it makes is marked as a dev run's, and "
    "never promoted.",
    tags={"rec_assets/dev_run": "true"},
)
tutorial_job = dg.define_asset_job(
    "tutorial_job",
    selection=SPINE,
    config=flat_config(TutorialSettings, _TUTORIAL_STEPS),
    description="The spine alone, from playlists to the two hit rates, with the tutorial's settings.",
)
ALL_JOBS = [training_job, dev_training_job, tutorial_job]
