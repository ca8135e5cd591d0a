"""Trains when the playlist files change, beside the schedule or in its place."""

import json
from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from rec_assets.core.errors import RecAssetsError
from rec_assets.core.playlists import fingerprint, locate_files, name_files
from rec_assets.jobs import TrainingSettings, training_job
from rec_assets.schedules import scheduled_run_config

_SECONDS = 60


@dg.sensor(
    job=training_job,
    name="source_change_sensor",
    minimum_interval_seconds=_SECONDS,
    description="Runs training_job when the playlist files were written to since the last training, as soon as they "
    "have stayed the same for a minute, with the settings of REC_ASSETS_SCHEDULE_CONFIG.",
)
def source_change_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """One run for each state of the files; a file that is still being written waits."""
    try:
        config = scheduled_run_config()
        files = locate_files(TrainingSettings(**config).playlist_source().location)
        found = fingerprint(files)
    except (RecAssetsError, OSError) as error:
        return dg.SkipReason(f"the playlist files cannot be looked at: {error}")
    known = json.loads(context.cursor or "{}")
    if known.get("trained") is None and _was_trained_on(context.instance, files):
        known["trained"] = found
    if known.get("trained") == found:
        context.update_cursor(json.dumps({"seen": found, "trained": found}))
        return dg.SkipReason(f"{name_files(files)} did not change since the last training")
    if known.get("seen") != found:
        context.update_cursor(json.dumps({**known, "seen": found}))
        return dg.SkipReason(f"{name_files(files)} changed; waiting until it stays the same for {_SECONDS} s")
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=found, run_config=config, tags={"rec_assets/source_fingerprint": found})],
        cursor=json.dumps({"seen": found, "trained": found}),
    )


def _was_trained_on(instance: dg.DagsterInstance, files: Sequence[Path]) -> bool:
    """Whether raw_playlists was materialized after the files were last written to."""
    latest = instance.get_latest_materialization_event(dg.AssetKey("raw_playlists"))
    return latest is not None and latest.timestamp >= max(path.stat().st_mtime for path in files)
