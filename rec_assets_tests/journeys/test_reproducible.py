"""Without this `reproducible: true` could give other bytes on another processor, thread count or hash seed.

OpenBLAS picks a kernel by the processor; each one is held against itself, with 1, 2 and 4 threads.
"""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from rec_assets.core.vectors.embeddings import TENSORS, open_embeddings
from rec_assets.definitions import build_definitions
from rec_assets.paths import CONFIGS, SYNTHETIC_SAMPLE
from rec_assets_tests.conftest import SHARED_DATA, SMALL, Project, timeless_files
from rec_assets_tests.journeys.dagster_processes import CHECKOUT

TABLES = ["track_catalog", "playlist_sequences", "train_sequences", "validation_sequences", "test_sequences"]
RANKS = ["validation_ranks", "test_ranks"]
HASH_SEEDS = {1: "0", 2: "1", 4: "random"}
PROCESSOR = Path("/proc/cpuinfo")
HAS_AVX2 = PROCESSOR.exists() and "avx2" in PROCESSOR.read_text()
KERNELS = [pytest.param("Haswell", marks=pytest.mark.skipif(not HAS_AVX2, reason="needs AVX2")), "Nehalem"]
SLICE = 6_000


@dataclass(frozen=True)
class Run:
    """A job with its config, which every process that has one of the numbers of ``threads`` runs."""

    name: str
    job: str
    config: Mapping[str, Any]
    threads: Sequence[int] = tuple(HASH_SEEDS)


def run_in_new_process(folder: Path, runs: Sequence[Run], *, threads: int, kernel: str) -> None:
    """Run with a number of threads, its seed of Python's hashes, and a kernel of OpenBLAS; stores go to ``folder``."""
    folder.mkdir()
    own = {
        "REC_ASSETS_DUCKDB_THREADS": str(threads),
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_CORETYPE": kernel,
        "PYTHONHASHSEED": HASH_SEEDS[threads],
        "PYTHONPATH": str(CHECKOUT),
    }
    own_runs = json.dumps([asdict(run) for run in runs if threads in run.threads])
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(folder), own_runs],
        cwd=folder,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def run_here(folder: Path, runs: Sequence[Run]) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        for run in runs:
            job = build_definitions(str(folder / run.name)).resolve_job_def(run.job)
            job.execute_in_process(run_config=dict(run.config), instance=instance)


def differing_files(folder: Path, runs: Sequence[Run], *, kernel: str) -> list[str]:
    """Run with 1, 2 and 4 threads; names of the files that are not the same in all processes that run their job."""
    found = []
    for threads in HASH_SEEDS:
        run_in_new_process(folder / f"{threads}-threads", runs, threads=threads, kernel=kernel)
    for run in runs:
        first, *others = (timeless_files(folder / f"{threads}-threads" / run.name) for threads in run.threads)
        assert all(store.keys() == first.keys() for store in others)
        found += [f"{run.name}/{name}" for name in first if any(store[name] != first[name] for store in others)]
    return found


def run_on_a_slice(folder: Path) -> Run:
    """All assets from real rows where they are at hand, else synthetic ones."""
    real, source = SHARED_DATA / "radio_playlists.csv.gz", folder / "slice.csv"
    with gzip.open(real if real.exists() else SYNTHETIC_SAMPLE) as rows:
        source.write_bytes(b"".join(islice(rows, SLICE)))
    config = yaml.safe_load((CONFIGS / "reproducible.yaml").read_text())
    config |= {"source": str(source), "epochs": 2, "ranker_examples": 500, "ranker_trees": 20}
    return Run("slice", "training_job", config)


def run_on_many_playlists(folder: Path) -> Run:
    """Tables of several row groups; what takes minutes for so many playlists has nothing to do with them."""
    source = write_many_playlists(folder / "many.parquet", playlists=132_000)
    config = {**SMALL, "source": str(source), "epochs": 1, "sample": 1e-5}
    config |= {"train_share": 0.96, "validation_share": 0.03, "test_share": 0.01}
    return Run("many", "tutorial_job", {**config, "strategy": "item_knn"}, threads=(1, 4))


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
def test_the_same_rows_give_the_same_bytes_in_every_process(tmp_path: Path, kernel: str) -> None:
    runs = [run_on_a_slice(tmp_path)]
    if kernel == "Nehalem":  # which is on every machine
        runs.append(run_on_many_playlists(tmp_path))

    assert differing_files(tmp_path, runs, kernel=kernel) == []

    store = tmp_path / "1-threads" / "slice"
    assert {"track_ranker.json", "recommendation_report.html", "promoted_model.json"} <= timeless_files(store).keys()
    # DuckDB reads, sorts and filters a row group per thread: one group alone would prove nothing.
    for table in [tmp_path / "1-threads" / run.name for run in runs[1:]]:
        for name in ("raw_playlists", "playlist_sequences", "train_sequences"):
            assert pq.read_metadata(table / f"{name}.parquet").num_row_groups >= 2, name


def write_many_playlists(path: Path, playlists: int) -> Path:
    """Playlists of 3 tracks; one row in 300 is a reject, for it has no user."""
    with duckdb.connect() as connection:
        connection.sql(
            f"""SELECT CASE WHEN hash(range) % 300 = 0 THEN '' ELSE 'user' || range // 30 END AS user_id,
                    'list ' || range // 3 AS playlist, 'Artist ' || hash(range) % 50 AS artist,
                    'Track ' || hash(range, 1) % 500 AS track
                FROM range({3 * playlists})"""
        ).to_parquet(str(path))
    return path


def test_shuffled_rows_that_keep_row_id_give_the_same_splits(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.run_job(SMALL, job="tutorial_job")
    rows = tmp_path / "rows.parquet"
    with duckdb.connect() as connection:
        stored = connection.read_parquet(str(project.store / "raw_playlists.parquet"))
        stored.order("md5(row_id::VARCHAR)").to_parquet(str(rows))
    for threads in (1, 4):
        monkeypatch.setenv("REC_ASSETS_DUCKDB_THREADS", str(threads))
        shuffled = Project(tmp_path / f"shuffled-{threads}", project.instance, rows)
        shuffled.run_job(SMALL, job="tutorial_job")

        for name in (*TABLES, *RANKS):
            first, second = (pq.read_table(one.store / f"{name}.parquet") for one in (project, shuffled))
            assert first.equals(second), name
        first, second = (open_embeddings(one.store / "track_embeddings.safetensors") for one in (project, shuffled))
        assert all(np.array_equal(getattr(first, name), getattr(second, name)) for name in TENSORS)
        raw = [pq.read_table(one.store / "raw_playlists.parquet") for one in (project, shuffled)]
        assert not raw[0].equals(raw[1]), "the rows were not shuffled: this proved nothing"


if __name__ == "__main__":
    run_here(Path(sys.argv[1]), [Run(**run) for run in json.loads(sys.argv[2])])
