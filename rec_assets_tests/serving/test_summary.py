"""``rec-assets summary``; without this figures of a dev run, or of another model than the stored one, go unmarked."""

import json
import shlex
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from rec_assets.core.base.seal import read_json, write_json
from rec_assets.serving.main import main
from rec_assets_tests.conftest import Project


def summary(storage: Path) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["summary", "--storage", str(storage)])
    return result.exit_code, result.output


def change(store: Path, name: str, **figures: object) -> None:
    """Other figures in a stored JSON file."""
    write_json({**read_json(store / f"{name}.json"), **figures}, store / f"{name}.json")


def test_the_summary_shows_hit_rates_examples_by_name_and_files(trained_store: Path) -> None:
    report = json.loads((trained_store / "test_hit_rate.json").read_text())

    code, text = summary(trained_store)

    assert code == 0
    assert (
        f"test hit rate@5          {report['hit_rate']:.4f}   ranker, 6 playlists; the most popular tracks reach "
        in text
    )
    assert text.count("after … Artist ") == 3
    assert text.count("    1. Artist ") == 3
    assert "promoted model           version 1, hit rate@5 " in text
    assert f"files in {trained_store}" in text
    assert "track_embeddings.safetensors" in text
    for mark in ("REFUSED", "DEV RUN", "EARLIER MODEL"):
        assert mark not in text


def test_the_summary_ends_with_lines_that_work_as_they_are(trained: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REC_ASSETS_SOURCE", "mine.csv")
    next_, ask, report, look = summary(trained.store)[1].splitlines()[-4:]

    assert next_ == "Next:"
    _, *words = shlex.split(ask, comments=True)
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, done.stderr) == (0, "")
    assert shlex.split(report, comments=True) == [str(trained.store / "recommendation_report.html")]
    shown = subprocess.run(look.replace("make ", "make -n "), shell=True, capture_output=True, text=True, check=True)
    assert "rec-assets home" in shown.stdout
    source = Path("mine.csv").absolute()
    assert look.strip().startswith(f"REC_ASSETS_SOURCE={source} REC_ASSETS_STORAGE={trained.store} make ")


def test_the_summary_marks_a_dev_run_a_refused_candidate_and_figures_of_an_earlier_model(trained: Project) -> None:
    change(trained.store, "validation_hit_rate", dev_run=True, sample_percent=60.0)
    change(trained.store, "promotion_decision", promote=False, reasons=["the data have 3 rows", "it is late"])
    trained.materialize(["recommender"], {"recommender": {"k": 4}})

    text = summary(trained.store)[1]

    assert text.count("DEV RUN on 60 % of the playlists") == 1
    assert "promoted model           version 1, hit rate@5 " in text
    assert "the last candidate was REFUSED: the data have 3 rows; and it is late" in text
    assert text.count("OF AN EARLIER MODEL: run training_job to the end") == 2


def test_the_summary_of_a_half_filled_store_names_what_is_missing(trained: Project) -> None:
    for name in ("track_catalog.parquet", "recommender.safetensors", "test_hit_rate.json"):
        (trained.store / name).unlink()
        code, text = summary(trained.store)

        assert code == 1
        assert f"{name} does not exist. Run training_job first" in text


def test_the_summary_of_the_tutorials_store_needs_no_promotion(project: Project) -> None:
    project.run_job({"epochs": 1, "k": 5, "min_count": 1}, job="tutorial_job")

    code, text = summary(project.store)

    assert code == 0, text
    assert "last_track" in text
    assert "promoted model           none yet" in text
    assert text.splitlines()[-2].endswith(" run  # train with report and promotion")


def test_playlists_are_written_where_asked_and_a_wrong_name_is_refused(tmp_path: Path) -> None:
    runner = CliRunner()

    assert runner.invoke(main, ["make-playlists", str(tmp_path / "a.csv"), "--rows", "500"]).exit_code == 0
    assert len((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()) == 501
    refused = runner.invoke(main, ["make-playlists", str(tmp_path / "a.xls")])
    assert refused.exit_code == 1
    assert "expected a name that ends in one of .csv" in refused.output
