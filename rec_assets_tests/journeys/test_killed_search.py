"""A search killed in the middle would lose what it found, or go on in processes that nobody sees."""

import json
import os
import signal
import subprocess
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest
import yaml

from rec_assets.defs.jobs import TrainingSettings
from rec_assets_tests.conftest import Project, made_rows, write_unescaped_csv
from rec_assets_tests.journeys.dagster_processes import CHECKOUT, dagster_command, own_environment, run_to_end, wait_for

pytestmark = pytest.mark.slow

WINDOWS = [*range(5, 65, 5)]
SEARCH = {
    "name": "small",
    "sampler": "grid",
    "workers": 2,
    "parameters": {"window": WINDOWS},
    "fixed": {"strategy": "track_vectors", "k": 5, "min_count": 1, "epochs": 1_000, "vector_size": 256},
}


def prepare(folder: Path) -> list[str]:
    """A store with sequences; returns the command that searches in it."""
    with dg.DagsterInstance.ephemeral() as instance:
        project = Project(folder, instance, write_unescaped_csv(folder / "playlists.csv", made_rows()))
        sequences = ["playlist_sequences", "train_sequences", "validation_sequences", "test_sequences"]
        project.materialize(
            ["raw_playlists", "track_catalog", *sequences], {"raw_playlists": {"source": str(project.source)}}
        )
    (folder / "small.yaml").write_text(yaml.safe_dump(SEARCH))
    job = ["job", "execute", "-m", "rec_assets.definitions", "-j", "tuning_job", "-c", str(folder / "small.yaml")]
    return dagster_command("dagster", *job)


def finished(journal: Path) -> list[int]:
    """The trials that have a result, as often as they got one."""
    records = [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []
    return [record["trial_id"] for record in records if "result" in record.get("user_attr", {})]


def owners(store: Path) -> list[Path]:
    return list((store / "tuning").glob(".worker-*"))


def lives(owner: Path) -> bool:
    """Whether the process in the name of ``owner`` is there, and no zombie."""
    status = Path(f"/proc/{owner.name.split('-')[-2]}/stat")
    return status.exists() and status.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_killed_search_ends_its_workers_and_goes_on_without_redoing_finished_trials(tmp_path: Path) -> None:
    command, environment, log = prepare(tmp_path), own_environment(tmp_path), tmp_path / "log"
    store, journal = tmp_path / "store", tmp_path / "store" / "tuning" / "small.jsonl"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=output, stderr=output)
    wait_for("finished trial", lambda: finished(journal), log)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    wait_for("end of the workers", lambda: not any(map(lives, owners(store))), log, patience=10)
    before = finished(journal)
    assert 1 <= len(before) < len(WINDOWS)

    run_to_end(command, environment)

    assert finished(journal)[: len(before)] == before
    assert len(set(finished(journal))) == len(finished(journal)) == len(WINDOWS)
    assert not owners(store)
    rows = pq.read_table(store / "tuning_leaderboard.parquet").to_pylist()
    assert sorted(json.loads(row["parameters"])["window"] for row in rows) == WINDOWS
    assert {row["state"] for row in rows} == {"finished"}
    assert TrainingSettings(**yaml.safe_load((store / "tuning" / "small.best.yaml").read_text()))
