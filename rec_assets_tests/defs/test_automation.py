"""The sensor; without this a change could be trained on twice, never, or while its file is still being written."""

import os
from pathlib import Path

import dagster as dg
import pytest

from rec_assets.defs.automation import source_change_sensor
from rec_assets_tests.conftest import Project, made_rows, write_unescaped_csv


class Ticks:
    """Ticks one after the other, with the cursor of the one before."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        self.instance, self.cursor = instance, None

    def tick(self) -> dg.SensorResult | dg.SkipReason:
        with dg.build_sensor_context(self.instance, cursor=self.cursor, sensor_name="source_change_sensor") as context:
            answer = source_change_sensor(context)
            self.cursor = answer.cursor if isinstance(answer, dg.SensorResult) else context.cursor
        assert isinstance(answer, (dg.SensorResult, dg.SkipReason))
        return answer

    def skipped(self) -> str:
        answer = self.tick()
        assert isinstance(answer, dg.SkipReason)
        return str(answer.skip_message)

    def requested(self) -> dg.RunRequest:
        answer = self.tick()
        assert isinstance(answer, dg.SensorResult)
        (request,) = answer.run_requests or []
        return request


@pytest.fixture
def ticks(project: Project, monkeypatch: pytest.MonkeyPatch) -> Ticks:
    monkeypatch.setenv("REC_ASSETS_SOURCE", str(project.source))
    return Ticks(project.instance)


def write(path: Path, seed: int, at: float) -> None:
    write_unescaped_csv(path, made_rows(seed=seed))
    os.utime(path, (at, at))


def test_a_change_is_trained_on_once_when_it_has_stayed_the_same_for_a_tick(project: Project, ticks: Ticks) -> None:
    assert "waiting until it stays the same" in ticks.skipped()
    first = ticks.requested()
    assert "did not change" in ticks.skipped()

    write(project.source, seed=1, at=2_000_000_000)
    assert "waiting" in ticks.skipped()
    write(project.source, seed=2, at=2_000_000_001)  # still being written
    assert "waiting" in ticks.skipped()
    second = ticks.requested()
    assert "did not change" in ticks.skipped()

    assert first.run_key != second.run_key
    assert (first.run_config, second.run_config) == ({}, {})


def test_what_was_trained_on_before_the_sensor_was_switched_on_is_not_trained_on_again(
    training: Project, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REC_ASSETS_SOURCE", str(training.source))
    ticks = Ticks(training.instance)

    assert "did not change" in ticks.skipped()
    # Older than the training, and not what was trained on.
    write(project.source, seed=1, at=1_500_000_000)
    monkeypatch.setenv("REC_ASSETS_SOURCE", str(project.source))
    ticks.skipped()
    ticks.requested()


def test_rows_of_which_no_candidate_came_and_files_that_are_put_back_are_no_training_on_them(
    project: Project, ticks: Ticks
) -> None:
    project.materialize(["raw_playlists"])
    ticks.skipped()
    first = ticks.requested()
    content, times = project.source.read_bytes(), project.source.stat()
    write(project.source, seed=1, at=2_000_000_000)
    ticks.skipped()
    ticks.requested()
    project.source.write_bytes(content)
    os.utime(project.source, ns=(times.st_atime_ns, times.st_mtime_ns))
    ticks.skipped()

    # Dagster drops a request whose key it has seen.
    assert ticks.requested().run_key != first.run_key


def test_the_settings_of_the_schedule_hold_for_it_and_name_its_source(
    project: Project, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_unescaped_csv(project.folder / "other.csv", made_rows())
    config = project.folder / "weekly.yaml"
    config.write_text(f"source: {other}\nepochs: 3\n")
    monkeypatch.setenv("REC_ASSETS_SCHEDULE_CONFIG", str(config))

    assert "other.csv changed" in ticks.skipped()
    assert ticks.requested().run_config == {"source": str(other), "epochs": 3}


def test_missing_files_and_wrong_settings_are_reported_and_do_not_stop_it(
    project: Project, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks.skipped()
    project.source.rename(project.folder / "moved.csv")
    assert "playlists.csv does not exist" in ticks.skipped()
    monkeypatch.setenv("REC_ASSETS_SCHEDULE_CONFIG", str(project.folder / "none.yaml"))
    assert "REC_ASSETS_SCHEDULE_CONFIG" in ticks.skipped()
    monkeypatch.delenv("REC_ASSETS_SCHEDULE_CONFIG")
    (project.folder / "moved.csv").rename(project.source)
    project.materialize(["raw_playlists"])
    monkeypatch.delenv("REC_ASSETS_SOURCE")
    assert "whose place the sample would take" in ticks.skipped()
    monkeypatch.setenv("REC_ASSETS_SOURCE", str(project.source))

    ticks.requested()
