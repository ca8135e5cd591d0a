"""The command line, as its user calls it."""

import json

import pytest
from click.testing import CliRunner

from rec_assets.serving.main import main
from rec_assets_tests.conftest import SMALL, Project


def summary(storage: object) -> tuple[int, str]:
    result = CliRunner().invoke(main, ["summary", "--storage", str(storage)])
    return result.exit_code, result.output


def test_the_summary_shows_hit_rates_examples_by_name_and_files(project: Project) -> None:
    project.run_job()
    report = json.loads((project.store / "test_hit_rate.json").read_text())

    code, text = summary(project.store)

    assert code == 0
    assert f"test hit rate@5          {report['hit_rate']:.4f}   ranker, 6 playlists" in text
    assert text.count("after … Artist ") == 3
    assert text.count("    1. Artist ") == 3
    assert "promoted model           version 1, hit rate@5 " in text
    assert "REFUSED" not in text
    assert f"files in {project.store}" in text
    assert "track_embeddings.safetensors" in text
    assert "DEV RUN" not in text


def test_the_summary_of_a_dev_run_says_so(project: Project) -> None:
    project.run_job({**SMALL, "sample_percent": 60}, job="dev_training_job")

    assert "DEV RUN on 60 % of the playlists" in summary(project.store)[1]


def test_the_summary_says_why_the_last_candidate_was_refused(project: Project) -> None:
    project.run_job()
    project.run_job({**SMALL, "min_data_ratio": 1, "max_data_ratio": 1, "min_tracks": 6}, check=False)

    text = summary(project.store)[1]

    assert "promoted model           version 1, hit rate@5 " in text
    assert "the last candidate was REFUSED: the data have " in text


@pytest.mark.parametrize(
    "name",
    ["test_hit_rate.json", "track_embeddings.safetensors", "track_ranker.json", "example_recommendations.parquet"],
)
def test_the_summary_of_a_half_filled_store_names_what_is_missing(project: Project, name: str) -> None:
    project.run_job()
    (project.store / name).unlink()

    code, text = summary(project.store)

    assert code == 1
    assert f"{name} does not exist. Run training_job first" in text


def test_hit_rates_of_an_earlier_model_are_marked(project: Project) -> None:
    project.run_job()
    assert "EARLIER MODEL" not in summary(project.store)[1]
    project.materialize(["track_embeddings"], {"track_embeddings": {"epochs": 1, "min_count": 1, "vector_size": 4}})

    assert summary(project.store)[1].count("OF AN EARLIER MODEL") == 2


def test_hit_rates_of_an_earlier_ranker_are_marked(project: Project) -> None:
    project.run_job()
    project.materialize(["track_ranker"], {"track_ranker": {"ranker_trees": 3}})

    assert summary(project.store)[1].count("OF AN EARLIER MODEL") == 2


def test_made_playlists_are_written_where_asked_and_a_wrong_name_is_refused(tmp_path) -> None:
    runner = CliRunner()

    assert runner.invoke(main, ["make-playlists", str(tmp_path / "a.csv"), "--rows", "500"]).exit_code == 0
    assert len((tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()) == 501
    refused = runner.invoke(main, ["make-playlists", str(tmp_path / "a.xls")])
    assert refused.exit_code == 1
    assert "expected a name that ends in one of .csv" in refused.output
