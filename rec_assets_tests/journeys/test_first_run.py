"""Without this a newcomer's first run, the rerun, or the tutorial's job could store less, more, or something else."""

import json
import logging
import shlex

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from rec_assets.serving.main import main
from rec_assets_tests.conftest import SMALL, Project, made_rows, write_unescaped_csv

TABLES = ["track_catalog", "playlist_sequences", "train_sequences", "validation_sequences", "test_sequences"]
SPINE = {
    "raw_playlists.parquet", "raw_playlists.rejects.parquet", *(f"{name}.parquet" for name in TABLES),
    "track_embeddings.safetensors", "recommender.safetensors", "validation_ranks.parquet", "test_ranks.parquet",
    "validation_hit_rate.json", "test_hit_rate.json",
}  # fmt: skip
COMPARED = {
    "track_ranker.json", "validation_slices.parquet", "model_leaderboard.parquet", "recommendation_report.html",
}  # fmt: skip
PROMOTED = {
    "promotion_decision.json", "promoted_model.json", "promoted_models/v0001.safetensors",
    "playlist_recommendations.parquet",
}  # fmt: skip


def test_a_job_stores_every_asset_and_the_same_job_again_the_same_bytes_and_another_version(trained: Project) -> None:
    first = trained.files()
    assert set(first) == SPINE | COMPARED | PROMOTED
    report = json.loads((trained.store / "validation_hit_rate.json").read_text())
    assert (report["playlists"], report["k"], report["dev_run"]) == (12, 5, False)

    result = trained.run_job()

    failed = [e.check_name for e in result.get_asset_check_evaluations() if not e.passed and e.blocking]
    assert failed == []
    again = trained.files()
    renewed = {name for name in again if again[name] != first.get(name)}
    assert renewed == (PROMOTED - {"promoted_models/v0001.safetensors"}) | {"promoted_models/v0002.safetensors"}
    assert first.keys() - again.keys() == set()


@pytest.mark.usefixtures("blank_pictures")
def test_the_tutorials_job_makes_the_spine_and_nothing_else(project: Project) -> None:
    result = project.run_job({"epochs": 1, "min_count": 1, "k": 5}, job="tutorial_job")

    made = [event.asset_key.path[-1] for event in result.get_asset_materialization_events()]
    assert sorted(made) == sorted(name.split(".")[0] for name in SPINE - {"raw_playlists.rejects.parquet"})
    assert set(project.files()) == SPINE
    report = json.loads((project.store / "validation_hit_rate.json").read_text())
    assert report["strategy"] == "last_track"


@pytest.mark.usefixtures("blank_pictures")
def test_a_dev_run_is_marked_wherever_its_sample_reaches_and_promotes_nothing(project: Project) -> None:
    project.run_job({**SMALL, "sample_percent": 50, "ranker_trees": 2}, job="dev_training_job")

    assert set(project.files()) == SPINE | COMPARED
    assert "Dev run on 50 % of the playlists" in (project.store / "recommendation_report.html").read_text()
    report = json.loads((project.store / "test_hit_rate.json").read_text())
    assert (report["sample_percent"], report["dev_run"]) == (50, True)


def test_a_store_reads_its_own_files_and_not_those_that_its_name_would_match_as_a_pattern(project: Project) -> None:
    other_rows = write_unescaped_csv(project.folder / "other.csv", made_rows(seed=5))
    files = []
    for folder, source in (("ax", other_rows), ("[a]x", project.source), ("plain", project.source)):
        one = Project(project.folder / folder, project.instance, source)
        one.materialize(["raw_playlists", *TABLES], {"raw_playlists": {"source": str(source)}})
        files.append(one.files())

    assert files[1] == files[2]
    assert files[0] != files[1]


@pytest.mark.usefixtures("blank_pictures")
def test_without_any_artist_the_same_job_runs_and_says_what_it_does_without(project: Project) -> None:
    write_unescaped_csv(project.source, [(user, "", track, playlist) for user, _, track, playlist in made_rows()])

    result = project.run_job({**SMALL, "ranker_trees": 2})

    said = [entry.user_message for entry in project.instance.all_logs(result.run_id) if entry.level == logging.WARNING]
    assert any("No track has an artist" in message for message in said)
    report = json.loads((project.store / "validation_hit_rate.json").read_text())
    assert (report["strategy"], report["playlists"]) == ("ranker", 12)
    page = (project.store / "recommendation_report.html").read_text()
    assert [name for name in ("artist_affinity", "artist unknown", "other artists") if name in page] == []
    # What to do next can be done as it is written.
    text = CliRunner().invoke(main, ["summary", "--storage", str(project.store)]).stdout
    (advised,) = [line for line in text.splitlines() if line.endswith("# ask the promoted model")]
    _, *words = shlex.split(advised, comments=True)
    assert words[:2] == ["recommend", ""]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, done.stderr) == (0, "")


@pytest.mark.parametrize("strategy", ["popularity", "track_vectors", "ranker"])
def test_the_hit_rates_follow_the_strategy_that_is_set(trained: Project, strategy: str) -> None:
    trained.materialize(
        ["recommender", "validation_ranks", "validation_hit_rate", "model_leaderboard"],
        {"recommender": {"strategy": strategy, "repeats": "left_out", "k": 5}},
    )

    leaderboard = pq.read_table(trained.store / "model_leaderboard.parquet").to_pylist()
    (chosen,) = [row for row in leaderboard if row["is_chosen"]]
    report = json.loads((trained.store / "validation_hit_rate.json").read_text())
    assert report["strategy"] == chosen["strategy"]
    assert chosen["strategy"] in (strategy, f"{strategy} as configured")
    assert report["hit_rate"] == chosen["hit_rate"]
    assert len(leaderboard) == (9 if strategy == "ranker" else 8), "a ranker without repeats is one more"
