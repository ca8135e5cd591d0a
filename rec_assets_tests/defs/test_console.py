"""What the shell shows; without this a message could be lost in a stack, or a long step be taken for dead."""

import re
from types import SimpleNamespace

import pytest

from rec_assets.core.base import progress
from rec_assets.defs import ingestion
from rec_assets_tests.conftest import SMALL, Project


def shown(project: Project, capfd: pytest.CaptureFixture[str], config: dict) -> str:
    capfd.readouterr()
    assert not project.run_job(config, check=False).success
    captured = capfd.readouterr()
    return captured.out + captured.err


def test_an_error_that_the_user_can_mend_is_a_message_without_a_stack_and_stands_last(project, capfd) -> None:
    text = shown(project, capfd, {**SMALL, "source": "missing.csv"})

    last = text.rstrip().splitlines()[-1]
    assert re.match("source .*missing.csv does not exist; ", last)
    assert "Stack Trace" not in text
    assert "Not executing" not in text


@pytest.mark.parametrize(
    ("step", "settings", "said"),
    [
        ("raw_playlists", {"source": "missing.csv"}, "source .*missing.csv does not exist; expected"),
        ("raw_playlists", {"max_reject_share": 2}, "Setting `max_reject_share` is 2; expected a"),
        ("track_catalog", {}, ".*raw_playlists.parquet does not exist. Materialize"),
    ],
    ids=["within the step", "its config", "reading its input"],
)
def test_the_run_page_shows_the_message_before_the_stack(project: Project, step, settings, said) -> None:
    result = project.materialize([step], {step: settings} if settings else {}, check=False)

    error = result.failure_data_for_node(step).error
    assert re.match(said, error.message)
    assert error.stack


def test_any_other_error_keeps_its_stack(project, capfd, monkeypatch) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(ingestion, "stage_playlists", fail)
    text = shown(project, capfd, SMALL)

    assert "ZeroDivisionError: a defect" in text
    assert "Stack Trace" in text


def test_a_long_step_says_every_five_seconds_how_much_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    times, said = iter([0.0, 1.0, 5.0, 9.9, 10.0]), []
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(times)))

    log = progress.log_share(said.append)
    for done in (100, 500, 900, 1_000):
        log("playlists ranked", done, 2_000)

    assert said == [
        "500 of 2,000 playlists ranked, about 15 s left",
        "1,000 of 2,000 playlists ranked, about 10 s left",
    ]
