"""Without this the weekly training could ask for the wrong settings; a daemon ticks it in test_browser."""

import runpy
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from rec_assets.core.base.errors import SettingsError
from rec_assets.defs import automation
from rec_assets.defs.flat_config import InvalidJobSettings
from rec_assets.defs.jobs import training_job

NAME = "weekly_training_schedule"
MONDAY = datetime(2026, 1, 5, 5, tzinfo=UTC)


def tick() -> dg.RunRequest:
    context = dg.build_schedule_context(scheduled_execution_time=MONDAY)
    (request,) = automation.weekly_training_schedule.evaluate_tick(context).run_requests
    return request


def fresh_schedule() -> dg.ScheduleDefinition:
    """The schedule of a process that starts now."""
    return runpy.run_path(automation.__file__)[NAME]


def test_a_tick_runs_the_training_job_with_its_defaults() -> None:
    assert tick().run_config == {}
    assert automation.weekly_training_schedule.job_name == training_job.name


def test_a_tick_takes_the_settings_of_the_config_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "nightly.yaml"
    monkeypatch.setenv("REC_ASSETS_SCHEDULE_CONFIG", str(config))

    config.write_text("epochs: 3\nk: 20\n")
    assert tick().run_config == {"epochs": 3, "k": 20}
    # The file is read on every tick, so that a change needs no restart.
    config.write_text("# nothing yet\n")
    assert tick().run_config == {}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "No such file"),
        ("epochs: [3", "while parsing"),
        ("epoch: 3\nk: 0\n", r"Setting `k` is 0.*\nThere is no setting `epoch`. Did you mean `epochs`\?"),
        ("1: 2\n", r"expected settings by name, such as `epochs: 2`, found \{1: 2\}"),
        ("- epochs\n- 3\n", r"expected settings by name, such as `epochs: 2`, found \['epochs', 3\]"),
    ],
)
def test_a_config_file_that_is_missing_or_wrong_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None, complaint: str
) -> None:
    config = tmp_path / "nightly.yaml"
    if content is not None:
        config.write_text(content)
    monkeypatch.setenv("REC_ASSETS_SCHEDULE_CONFIG", str(config))

    with pytest.raises(SettingsError, match=rf"REC_ASSETS_SCHEDULE_CONFIG=.*nightly\.yaml(.|\n)*{complaint}"):
        automation.scheduled_run_config()
    with pytest.raises(InvalidJobSettings, match="REC_ASSETS_SCHEDULE_CONFIG="):  # which is shown without a stack
        tick()


def test_the_environment_sets_time_and_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    default = fresh_schedule()
    assert (default.cron_schedule, default.execution_timezone) == ("0 5 * * 1", "UTC")

    monkeypatch.setenv("REC_ASSETS_SCHEDULE_CRON", "30 2 * * *")
    monkeypatch.setenv("REC_ASSETS_SCHEDULE_TIMEZONE", "Europe/Berlin")
    nightly = fresh_schedule()
    assert (nightly.cron_schedule, nightly.execution_timezone) == ("30 2 * * *", "Europe/Berlin")
