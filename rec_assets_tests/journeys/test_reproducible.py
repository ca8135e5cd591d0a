"""``reproducible: true``: the same bytes in every process, whatever its hash seed and its threads."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from rec_assets.core.vectors.embeddings_file import TENSORS, load_embeddings
from rec_assets.paths import CONFIGS
from rec_assets_tests.conftest import SMALL, Project, timeless_files, write_unescaped_csv

CHECKOUT = Path(__file__).resolve().parents[2]
SEQUENCES = ["playlist_sequences", "train_sequences", "validation_sequences", "test_sequences"]
RANKS = ["validation_ranks", "test_ranks"]
# Another core count changes the threads of BLAS and LightGBM, too.
PROCESSES = [(1, 1, "0"), (2, 2, "1"), (4, 2, "random")]


def run_in_new_process(store: Path, config: Mapping[str, Any], *, threads: int, omp: int, hash_seed: str) -> None:
    """``dagster job execute`` with a given number of threads and seed of Python's hashes."""
    store.mkdir(parents=True)
    file = store.parent / f"{store.name}.yaml"
    file.write_text(yaml.safe_dump(dict(config)))
    command = ["dagster", "job", "execute", "-m", "rec_assets.definitions", "-j", "training_job", "-c", str(file)]
    own = {
        "REC_ASSETS_STORAGE": str(store),
        "REC_ASSETS_DUCKDB_THREADS": str(threads),
        "OMP_NUM_THREADS": str(omp),
        "PYTHONHASHSEED": hash_seed,
        "PYTHONPATH": str(CHECKOUT),
    }
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=store.parent,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


def differing_files(folder: Path, config: Mapping[str, Any], processes: Sequence[tuple[int, int, str]]) -> list[str]:
    """Run in several processes; names of the files that are not the same in all of them."""
    stores = []
    for threads, omp, hash_seed in processes:
        store = folder / f"{threads}-threads"
        run_in_new_process(store, config, threads=threads, omp=omp, hash_seed=hash_seed)
        stores.append(timeless_files(store))
    assert all(store.keys() == stores[0].keys() for store in stores)
    assert len(stores[0]) == 25
    return [name for name in stores[0] if len({store[name] for store in stores}) > 1]


@pytest.mark.slow
def test_a_real_file_gives_the_same_bytes_in_every_process(tmp_path: Path, radio: Path) -> None:
    config = {**yaml.safe_load((CONFIGS / "reproducible.yaml").read_text()), "source": str(radio), "epochs": 3}
    assert differing_files(tmp_path, config, PROCESSES) == []


@pytest.mark.slow
def test_tables_of_several_row_groups_have_the_same_bytes_in_every_process(tmp_path: Path) -> None:
    source = write_many_playlists(tmp_path / "playlists.csv", playlists=260_000)
    config = {**SMALL, "epochs": 1, "train_share": 0.49, "validation_share": 0.49, "test_share": 0.02}
    # What takes minutes for so many playlists has nothing to do with row groups.
    config |= {"strategy": "item_knn", "ranker_examples": 500, "leaderboard_playlists": 500}

    assert differing_files(tmp_path / "stores", {**config, "source": str(source)}, PROCESSES[::2]) == []

    # DuckDB reads, sorts and filters a row group per thread: one group alone would prove nothing.
    for name in ("raw_playlists", "playlist_sequences", "train_sequences", "validation_sequences", "validation_ranks"):
        groups = pq.read_metadata(tmp_path / "stores" / "1-threads" / f"{name}.parquet").num_row_groups
        assert groups >= 2, name


def write_many_playlists(path: Path, playlists: int) -> Path:
    """Playlists of 3 tracks in the dialect of the public file; one row in 300 is a reject."""
    with duckdb.connect() as connection:
        rows = connection.sql(
            f"""SELECT CASE WHEN hash(range) % 300 = 0 THEN '' ELSE 'user' || range // 30 END,
                    'Artist ' || hash(range) % 50, 'Track ' || hash(range, 1) % 500, 'list ' || range // 3
                FROM range({3 * playlists})"""
        ).fetchall()
    return write_unescaped_csv(path, rows)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_shuffled_rows_that_keep_row_id_give_the_same_splits(
    project: Project, tmp_path: Path, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REC_ASSETS_DUCKDB_THREADS", str(threads))
    rows = tmp_path / "rows.parquet"
    project.run_job()
    with duckdb.connect() as connection:
        stored = connection.read_parquet(str(project.store / "raw_playlists.parquet"))
        stored.order("md5(row_id::VARCHAR)").to_parquet(str(rows))
    shuffled = Project(tmp_path / "shuffled", project.instance, rows)
    shuffled.run_job()

    for name in ("track_catalog", *SEQUENCES, *RANKS):
        first, second = (pq.read_table(one.store / f"{name}.parquet") for one in (project, shuffled))
        assert first.equals(second), name
    first, second = (load_embeddings(one.store / "track_embeddings.safetensors") for one in (project, shuffled))
    assert all(np.array_equal(getattr(first, name), getattr(second, name)) for name in TENSORS)
    raw = [pq.read_table(one.store / "raw_playlists.parquet") for one in (project, shuffled)]
    assert not raw[0].equals(raw[1]), "the rows were not shuffled: this proved nothing"
