"""Without this the first run of somebody with a handful of playlists could fail after all its training."""

import json
import logging
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from rec_assets.core.recommender.recommender import open_recommender
from rec_assets.serving.main import main
from rec_assets_tests.conftest import Project, write_unescaped_csv

pytestmark = pytest.mark.usefixtures("blank_pictures")


def library(playlists: int, seed: int = 0) -> list[tuple[str, str, str, str]]:
    """Playlists of 8 to 30 tracks, some of which are in many."""
    draw = random.Random(seed)
    return [
        ("me", f"Artist {track // 3}", f"Song {track}", f"list {number}")
        for number in range(playlists)
        for track in (int(60 * draw.random() ** 2) for _ in range(draw.randint(8, 30)))
    ]


def run(project: Project, rows: Iterable[tuple], job: str, **settings: Any) -> tuple[dg.ExecuteInProcessResult, str]:
    """A run with the defaults but for ``settings``, the gate's too; and its warnings and errors."""
    source = str(write_unescaped_csv(project.source, rows))
    result = project.definitions.resolve_job_def(job).execute_in_process(
        run_config={"source": source, **settings}, instance=project.instance, raise_on_error=False
    )
    logged = project.instance.all_logs(result.run_id)
    said = [entry.user_message for entry in logged if entry.level >= logging.WARNING]
    failed = [one.step_failure_data.error for one in result.all_events if one.is_step_failure]
    return result, "\n".join([*said, *(error.to_string() for error in failed if error)])


def metadata(result: dg.ExecuteInProcessResult, asset: str) -> Mapping[str, Any]:
    (event,) = [one for one in result.get_asset_materialization_events() if one.asset_key.path == [asset]]
    return {name: entry.value for name, entry in event.materialization.metadata.items()}


def read(store: Path, name: str) -> dict[str, Any]:
    return json.loads((store / f"{name}.json").read_text())


def test_k_is_lowered_with_a_warning_and_everything_says_the_lowered_one(project: Project) -> None:
    result, said = run(project, library(12), "training_job")

    assert result.success, said
    k = read(project.store, "validation_hit_rate")["k"]
    assert 1 <= k < 100
    assert f"k is lowered from 100 to {k}: only {k + 1} tracks have a vector" in said
    assert open_recommender(project.store / "recommender.safetensors")[0].settings.k == k
    assert {*pq.read_table(project.store / "model_leaderboard.parquet")["k"].to_pylist()} == {k}
    assert [read(project.store, name)["k"] for name in ("test_hit_rate", "promoted_model")] == [k, k]
    assert metadata(result, "recommender")["k"] == k
    assert f"from 100 to {k}" in metadata(result, "recommender")["lowered_settings"]
    for asset in ("recommendation_report.html", "promotion_decision.json", "validation_hit_rate.json"):
        page = (project.store / asset).read_text()
        assert "rate@100" not in page
        assert '"k": 100' not in page
    assert "<bdi>k</bdi></dt><dd><bdi>100</bdi>" not in (project.store / "recommendation_report.html").read_text()
    text = CliRunner().invoke(main, ["summary", "--storage", str(project.store)]).stdout
    assert text.count(f"hit rate@{k} ") == 3


@pytest.mark.parametrize(("job", "playlists"), [("training_job", 3), ("training_job", 5), ("tutorial_job", 3)])
def test_three_playlists_are_enough(project: Project, job: str, playlists: int) -> None:
    result, said = run(project, library(playlists), job)

    assert result.success, said
    assert "k is lowered from 100" in said
    if playlists == 3:  # one to train on, of which none can be held aside
        assert "min_count is lowered from 3 to" in said
        if job == "training_job":
            assert "strategy is playlist_knn in place of ranker" in said
            assert read(project.store, "validation_hit_rate")["strategy"] == "playlist_knn"


def test_playlists_that_share_no_track_are_enough(project: Project) -> None:
    apart = [
        ("me", f"Artist {number}", f"Song {number} {place}", f"list {number}")
        for number in range(6)
        for place in range(5)
    ]

    result, said = run(project, apart, "training_job")

    assert result.success, said
    assert "No ranker is trained: the ranker has nothing to learn from" in said


@pytest.mark.parametrize(
    ("job", "settings", "remedy"),
    [
        ("dev_training_job", {}, {"sample_percent": 100}),
        ("training_job", {"min_tracks": 1_000}, None),
        ("training_job", {"min_count": 1_000}, {"min_count": 3}),
    ],
)
def test_what_cannot_be_is_refused_before_training_with_a_setting_under_which_it_can(
    project: Project, job: str, settings: dict[str, Any], remedy: dict[str, Any] | None
) -> None:
    rows = library(6, seed=2)
    refused, said = run(project, rows, job, **settings)

    assert not refused.success
    assert not (project.store / "track_embeddings.safetensors").exists()
    name, value = said.split("Set ")[1].split(", or")[0].split(" to ")
    advised = {name: int(value.split()[0])}
    assert advised == (remedy or advised)
    result, said = run(project, rows, job, **{**settings, **advised})
    assert result.success, said
