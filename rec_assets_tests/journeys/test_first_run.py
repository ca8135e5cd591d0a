"""A newcomer's first run, and the rerun."""

import json
import logging

import pyarrow.parquet as pq
import pytest

from rec_assets.core.recommender.recommender import StrategyName
from rec_assets_tests.conftest import SMALL, Project, made_rows, write_unescaped_csv

STORED = {
    "raw_playlists.parquet", "raw_playlists.rejects.parquet", "track_catalog.parquet", "playlist_sequences.parquet",
    "train_sequences.parquet", "validation_sequences.parquet", "test_sequences.parquet", "base_sequences.parquet",
    "ranker_sequences.parquet", "track_embeddings.safetensors", "base_embeddings.safetensors", "track_ranker.json",
    "validation_ranks.parquet", "test_ranks.parquet", "validation_hit_rate.json", "test_hit_rate.json",
    "validation_slices.parquet", "model_leaderboard.parquet", "strategy_ranks.parquet",
    "example_recommendations.parquet", "recommendation_report.html", "promotion_decision.json",
    "promoted_model.json", "promoted_models/v0001.safetensors", "playlist_recommendations.parquet",
}  # fmt: skip


def test_a_job_stores_every_asset_and_passes_every_blocking_check(project: Project) -> None:
    result = project.run_job()

    assert set(project.files()) == STORED
    failed = [e.check_name for e in result.get_asset_check_evaluations() if not e.passed and e.blocking]
    assert failed == []
    report = json.loads((project.store / "validation_hit_rate.json").read_text())
    assert report["playlists"] == 12
    assert report["k"] == 5
    assert report["dev_run"] is False


def test_the_same_job_again_writes_the_same_bytes_and_promotes_another_version(project: Project) -> None:
    project.run_job()
    first = project.files()
    project.run_job()

    again = project.files()
    assert {name for name in again if again[name] != first.get(name)} == {
        "promotion_decision.json", "promoted_model.json", "promoted_models/v0002.safetensors",
        "playlist_recommendations.parquet",
    }  # fmt: skip
    assert first.keys() - again.keys() == set()


def test_a_dev_run_is_marked_wherever_its_sample_reaches(project: Project) -> None:
    result = project.run_job({"epochs": 1, "min_count": 1, "k": 2, "sample_percent": 50}, job="dev_training_job")

    versions = {
        event.asset_key.path[-1]: event.step_materialization_data.materialization.tags["dagster/data_version"]
        for event in result.get_asset_materialization_events()
    }
    assert {name for name, version in versions.items() if not version.startswith("dev50-")} == {
        "raw_playlists",
        "track_catalog",
    }
    assert "Dev run on 50 % of the playlists" in (project.store / "recommendation_report.html").read_text()
    report = json.loads((project.store / "test_hit_rate.json").read_text())
    assert (report["sample_percent"], report["dev_run"]) == (50, True)


def test_a_store_reads_its_own_files_and_not_those_that_its_name_would_match_as_a_pattern(project: Project) -> None:
    other_rows = write_unescaped_csv(project.folder / "other.csv", made_rows(seed=5))
    Project(project.folder / "ax", project.instance, other_rows).run_job()
    odd = Project(project.folder / "[a]x", project.instance, project.source)
    odd.run_job()
    project.run_job()

    assert odd.files() == project.files()


def test_without_any_artist_the_same_job_runs_and_says_what_it_does_without(project: Project) -> None:
    write_unescaped_csv(project.source, [(user, "", track, playlist) for user, _, track, playlist in made_rows()])

    result = project.run_job()

    said = [entry.user_message for entry in project.instance.all_logs(result.run_id) if entry.level == logging.WARNING]
    assert any("No track has an artist" in message for message in said)
    report = json.loads((project.store / "validation_hit_rate.json").read_text())
    assert (report["strategy"], report["playlists"]) == ("ranker", 12)


@pytest.mark.parametrize("strategy", [name.value for name in StrategyName])
def test_the_hit_rates_follow_the_strategy_that_is_set(project: Project, strategy: str) -> None:
    project.run_job({**SMALL, "strategy": strategy, "repeats": "left_out"})

    leaderboard = pq.read_table(project.store / "model_leaderboard.parquet").to_pylist()
    (chosen,) = [row for row in leaderboard if row["is_chosen"]]
    report = json.loads((project.store / "validation_hit_rate.json").read_text())
    assert report["strategy"] == chosen["strategy"]
    assert chosen["strategy"] in (strategy, f"{strategy} as configured")
    assert report["hit_rate"] == chosen["hit_rate"]
    assert len(leaderboard) == (9 if strategy == "ranker" else 8), "a ranker without repeats is one more"
