"""What the shell shows of an error; without this a message could be lost in a stack, or a defect lack its stack."""

import pytest

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
    assert "SourceError: source" in last
    assert "missing.csv does not exist" in last
    assert "Stack Trace" not in text
    assert "Not executing" not in text


def test_any_other_error_keeps_its_stack(project, capfd, monkeypatch) -> None:
    def fail(*args: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(ingestion, "stage_playlists", fail)
    text = shown(project, capfd, SMALL)

    assert "ZeroDivisionError: a defect" in text
    assert "Stack Trace" in text
