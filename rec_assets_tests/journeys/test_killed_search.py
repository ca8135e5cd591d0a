"""``rec-assets tune`` killed in the middle of a search, and started again."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest
import yaml

from rec_assets_tests.conftest import Project, made_rows, write_unescaped_csv
from rec_assets_tests.journeys.dagster_processes import CHECKOUT, own_environment, run_to_end, wait_for

pytestmark = pytest.mark.slow

SEARCH = {
    "sampler": "grid",
    "parameters": {"window": [1, 2, 3, 4]},
    "fixed": {"strategy": "track_vectors", "k": 5, "min_count": 1, "epochs": 3, "vector_size": 8},
}
TRIALS = [f"small-{number:03d}" for number in range(4)]
SEQUENCES = [
    *("raw_playlists", "track_catalog", "playlist_sequences", "train_sequences", "validation_sequences"),
    *("test_sequences", "base_sequences", "ranker_sequences"),
]


def prepare(folder: Path) -> list[str]:
    """A store with sequences; returns the command that searches in it, two trials at once."""
    with dg.DagsterInstance.ephemeral() as instance:
        project = Project(folder, instance, write_unescaped_csv(folder / "playlists.csv", made_rows()))
        project.materialize(SEQUENCES, {"raw_playlists": {"source": str(project.source)}})
    path = folder / "small.yaml"
    path.write_text(yaml.safe_dump(SEARCH))
    program = "from rec_assets.serving.main import main; main()"
    best = str(folder / "best.yaml")
    return [sys.executable, "-c", program, "tune", str(path), "--parallel", "2", "--best", best]


def finished(store: Path) -> list[str]:
    return sorted(path.stem for path in (store / "trial_hit_rate").glob("small-*.json"))


def children(parent: int) -> list[int]:
    """Processes that were started by ``parent``, or that name it as theirs."""
    listed = subprocess.run(["ps", "-eo", "pid=,args="], capture_output=True, text=True, check=True).stdout
    marked = f"trial_process {parent} "
    return [int(line.split()[0]) for line in listed.splitlines() if marked in line]


def runs(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, list[tuple[str, str]]]:
    """Run ids and statuses by trial."""
    monkeypatch.setenv("DAGSTER_HOME", environment["DAGSTER_HOME"])
    with dg.DagsterInstance.get() as instance:
        found = [(run.tags.get("dagster/partition"), run) for run in instance.get_runs()]
    return {trial: [(run.run_id, run.status.value) for key, run in found if key == trial] for trial in TRIALS}


def test_a_killed_search_goes_on_without_running_finished_trials_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, environment = prepare(tmp_path), own_environment(tmp_path)
    store, log = tmp_path / "store", tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=output, stderr=output)
    wait_for("third trial", (store / "tuning_trials" / "small-002.json").exists, log)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    # Left alone, the third one would take seconds to import what it needs.
    wait_for("end of the children", lambda: not children(process.pid), log, patience=1.5)

    kept = {trial: (store / "trial_hit_rate" / f"{trial}.json").stat().st_mtime_ns for trial in finished(store)}
    before = runs(environment, monkeypatch)
    assert 1 <= len(kept) < len(TRIALS)
    for path in [path for path in store.rglob("small-*.json") if not path.name.startswith(".")]:
        json.loads(path.read_text())

    run_to_end(command, environment)

    assert finished(store) == TRIALS
    after = runs(environment, monkeypatch)
    for trial in TRIALS:
        if trial in kept:
            assert (store / "trial_hit_rate" / f"{trial}.json").stat().st_mtime_ns == kept[trial]
            assert [run for run, _ in after[trial]] == [run for run, _ in before[trial]]
        # The one that was killed is known to be over.
        assert {status for _, status in after[trial]} <= {"SUCCESS", "CANCELED"}
        assert after[trial][0][1] == "SUCCESS" or trial in kept
    rows = pq.read_table(store / "tuning_leaderboard.parquet").to_pylist()
    assert {row["state"] for row in rows} == {"finished"}
    assert yaml.safe_load((tmp_path / "best.yaml").read_text())["window"] == json.loads(rows[0]["parameters"])["window"]


def test_an_interrupted_search_stops_its_trials_and_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command, environment = prepare(tmp_path), own_environment(tmp_path)
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=CHECKOUT, env=environment, stdout=output, stderr=output)
    wait_for("trial at work", lambda: any(runs(environment, monkeypatch).values()), log)
    process.send_signal(signal.SIGTERM)

    assert process.wait(60) == 130
    assert not children(process.pid)
    statuses = {status for found in runs(environment, monkeypatch).values() for _, status in found}
    assert statuses <= {"CANCELED", "SUCCESS"}
    assert "Finished trials are kept; the same command goes on from here." in log.read_text()
