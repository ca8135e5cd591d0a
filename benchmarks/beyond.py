"""Rows to splits for more rows than there is time to make: copies of one table as a source, read by the project itself.

    python benchmarks/beyond.py --times 1 3 10 --memory-limit 4GB

Each copy has users of its own, and four of five tracks of its own: real catalogs grow nearly as fast as rows. Prints a
line of JSON for each size: seconds of each step and of all, peak resident memory, and the disk that the source, the
store and what DuckDB spilled take.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

import duckdb
from compare import ROOT, describe_machine
from strategies import prepared


def write_copies(rows: int, times: int, target: Path) -> None:
    """A source with the rows of the prepared store, ``times`` over; the rows of a playlist stay beside each other."""
    with duckdb.connect(config={"memory_limit": "4GB", "temp_directory": str(target.parent / "spill")}) as connection:
        rows_file = prepared(rows) / "raw_playlists.parquet"
        parts = [
            f"""SELECT user_id || '-{copy}' AS user_id, playlist, artist,
                CASE WHEN hash(artist, track) % 5 < 4 THEN track || ' {copy}' ELSE track END AS track
            FROM read_parquet('{rows_file}')"""
            for copy in range(times)
        ]
        connection.sql(f"COPY ({' UNION ALL '.join(parts)}) TO '{target}' (FORMAT parquet)")


def prepare(source: Path, folder: Path, memory_limit: str) -> dict[str, object]:
    """What ``ours.py --prepare-only`` says of itself, and the most that lay in ``folder`` beside the source."""
    command = [sys.executable, "benchmarks/ours.py", str(source), "--prepare-only"]
    own = {"REC_ASSETS_MEMORY_LIMIT": memory_limit, "TMPDIR": str(folder)}
    used, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(1):
            used.append(_size_of(folder))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        run = subprocess.run(
            command, cwd=ROOT, env={**os.environ, **own}, stdout=subprocess.PIPE, text=True, check=True
        )
    finally:
        done.set()
        watching.join()
    return {**json.loads(run.stdout.splitlines()[-1]), "disk_mb": round(max(used) / 1e6)}


def _size_of(folder: Path) -> int:
    size = 0
    for parent, _, names in os.walk(folder):  # which goes past a folder that was removed meanwhile
        for name in names:
            with suppress(FileNotFoundError):
                size += (Path(parent) / name).stat().st_size
    return size


def main() -> None:
    """Reads the command line, prints a line of JSON for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=12_900_000)
    parser.add_argument("--times", type=int, nargs="+", default=[1, 3, 10])
    parser.add_argument("--memory-limit", default="4GB", help="of DuckDB, as REC_ASSETS_MEMORY_LIMIT")
    asked = parser.parse_args()
    print(f"memory limit {asked.memory_limit}; {describe_machine()}")
    for times in asked.times:
        with tempfile.TemporaryDirectory(prefix="rec_assets-benchmark-") as name:
            source, folder = Path(name) / "copies.parquet", Path(name) / "store"
            folder.mkdir()
            write_copies(asked.rows, times, source)
            sizes = {"rows": asked.rows * times, "source_mb": round(source.stat().st_size / 1e6)}
            print(json.dumps({**sizes, **prepare(source, folder, asked.memory_limit)}), flush=True)


if __name__ == "__main__":
    main()
