"""When the model is trained again."""

import os
from pathlib import Path
from typing import Any

import dagster as dg
import yaml

from rec_assets.core.errors import SettingsError
from rec_assets.jobs import TrainingSettings, training_job

CRON = os.environ.get("REC_ASSETS_SCHEDULE_CRON") or "0 5 * * 1"
TIMEZONE = os.environ.get("REC_ASSETS_SCHEDULE_TIMEZONE") or "UTC"


def scheduled_run_config() -> dict[str, Any]:
    """The flat config in the file that ``REC_ASSETS_SCHEDULE_CONFIG`` names; without it, the defaults.

    Raises:
        SettingsError: the file is missing, or holds something other than settings of training_job by name.
    """
    name = os.environ.get("REC_ASSETS_SCHEDULE_CONFIG")
    if not name:
        return {}
    try:
        config = yaml.safe_load(Path(name).expanduser().read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"REC_ASSETS_SCHEDULE_CONFIG={name}: {error}. Name a YAML file of settings.") from error
    if not isinstance(config, dict):
        raise SettingsError(f"REC_ASSETS_SCHEDULE_CONFIG={name}: expected settings by name, found {config!r}.")
    unknown = [str(setting) for setting in config if setting not in TrainingSettings.model_fields]
    if unknown:
        raise SettingsError(f"REC_ASSETS_SCHEDULE_CONFIG={name}: there is no setting {', '.join(unknown)}.")
    return config


@dg.schedule(
    job=training_job,
    cron_schedule=CRON,
    execution_timezone=TIMEZONE,
    name="weekly_training_schedule",
    description="Trains on all playlists, on Mondays at 05:00 unless REC_ASSETS_SCHEDULE_CRON and "
    "REC_ASSETS_SCHEDULE_TIMEZONE say otherwise, with the settings of REC_ASSETS_SCHEDULE_CONFIG.",
)
def weekly_training_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """One run a tick."""
    return dg.RunRequest(run_config=scheduled_run_config())
