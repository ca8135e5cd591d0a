"""When the model is trained again: on a schedule, and when the playlist files change."""

import json
import os
from pathlib import Path
from typing import Any

import dagster as dg

from rec_assets.core.base.errors import RecAssetsError, SettingsError
from rec_assets.core.base.settings import read_settings
from rec_assets.core.playlists.readers.files import name_files
from rec_assets.defs.flat_config import InvalidJobSettings, parse_flat
from rec_assets.defs.ingestion import FINGERPRINT_METADATA, RawPlaylistsConfig
from rec_assets.defs.jobs import TrainingSettings, training_job
from rec_assets.paths import storage_base
from rec_assets.store.source import find_source

_SECONDS = 60
CRON = os.environ.get("REC_ASSETS_SCHEDULE_CRON") or "0 5 * * 1"
TIMEZONE = os.environ.get("REC_ASSETS_SCHEDULE_TIMEZONE") or "UTC"


def scheduled_run_config() -> dict[str, Any]:
    """The flat config in the file that ``REC_ASSETS_SCHEDULE_CONFIG`` names; without it, the defaults.

    Raises SettingsError: the file is missing, or holds something other than settings of training_job by name.
    """
    name = os.environ.get("REC_ASSETS_SCHEDULE_CONFIG")
    if not name:
        return {}
    config = read_settings(Path(name).expanduser(), "REC_ASSETS_SCHEDULE_CONFIG")
    try:
        parse_flat(TrainingSettings, config)
    except SettingsError as error:
        raise SettingsError(f"REC_ASSETS_SCHEDULE_CONFIG={Path(name).expanduser().absolute()}: {error}") from None
    return config


@dg.schedule(
    job=training_job,
    cron_schedule=CRON,
    execution_timezone=TIMEZONE,
    description="Trains on all playlists, on Mondays at 05:00 unless REC_ASSETS_SCHEDULE_CRON and "
    "REC_ASSETS_SCHEDULE_TIMEZONE say otherwise, with the settings of REC_ASSETS_SCHEDULE_CONFIG.",
)
def weekly_training_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest:
    """One run a tick."""
    try:
        return dg.RunRequest(run_config=scheduled_run_config())
    except SettingsError as error:
        raise InvalidJobSettings(str(error)) from None


@dg.sensor(
    job=training_job,
    minimum_interval_seconds=_SECONDS,
    description="Runs training_job when the playlist files have changed since the last training, once they have stayed "
    "the same for a minute, with the settings of REC_ASSETS_SCHEDULE_CONFIG.",
)
def source_change_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """One run for each state of the files; a file that is still being written waits."""
    try:
        config = scheduled_run_config()
        own = {name: value for name, value in config.items() if name in RawPlaylistsConfig.model_fields}
        raw = RawPlaylistsConfig(**own)
        raw.refuse_sample_over_others(context.instance, storage_base())
        source = find_source(raw.location())
        found = source.fingerprint
    except (RecAssetsError, OSError) as error:
        return dg.SkipReason(f"the playlist files cannot be looked at: {error}")
    known = json.loads(context.cursor or "{}")
    if known.get("trained") is None and _was_trained_on(context.instance, found):
        known["trained"] = found
    if known.get("trained") == found:
        context.update_cursor(json.dumps({**known, "seen": found, "trained": found}))
        return dg.SkipReason(f"{name_files(source.names)} did not change since the last training")
    if known.get("seen") != found:
        context.update_cursor(json.dumps({**known, "seen": found}))
        return dg.SkipReason(f"{name_files(source.names)} changed; waiting until it stays the same for {_SECONDS} s")
    # Numbered, because Dagster drops a key that it has seen: files that are put back as they were are a change, too.
    runs = known.get("runs", 0) + 1
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=f"{runs}-{found}", run_config=config)],
        cursor=json.dumps({"seen": found, "trained": found, "runs": runs}),
    )


def _was_trained_on(instance: dg.DagsterInstance, found: str) -> bool:
    """Whether the last candidate was made of files with the fingerprint ``found``."""
    rows, decision = (
        instance.get_latest_materialization_event(dg.AssetKey(name)) for name in ("raw_playlists", "promotion_decision")
    )
    if rows is None or rows.asset_materialization is None or decision is None or decision.run_id != rows.run_id:
        return False
    return rows.asset_materialization.metadata[FINGERPRINT_METADATA].value == found
