"""Trains when the playlist files change, beside the schedule or in its place."""

import json

import dagster as dg

from rec_assets.assets.ingestion.raw_playlists import FINGERPRINT_METADATA
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
    if known.get("trained") is None and _was_trained_on(context.instance, found):
        known["trained"] = found
    if known.get("trained") == found:
        context.update_cursor(json.dumps({**known, "seen": found, "trained": found}))
        return dg.SkipReason(f"{name_files(files)} did not change since the last training")
    if known.get("seen") != found:
        context.update_cursor(json.dumps({**known, "seen": found}))
        return dg.SkipReason(f"{name_files(files)} changed; waiting until it stays the same for {_SECONDS} s")
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
