"""Catalog and sequences of more rows than there is time to make: copies of one table, and what DuckDB needs for them.

    python benchmarks/beyond.py --rows 12900000 --times 10 --memory-limit 400MB

Each copy has users of its own, and four of five tracks of its own: real catalogs grow nearly as fast as rows. Copies
are made while they are read, which is part of the time. Peaks are resident memory, and what lay in the spill folder.
"""

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
from compare import describe_machine
from strategies import prepared
from tutorial import peak_megabytes

from rec_assets.core.base.relations import count_rows
from rec_assets.core.playlists.catalog import build_track_catalog
from rec_assets.core.playlists.sequences import build_sequences
from rec_assets.store.table_file import write_table


def copies(connection: duckdb.DuckDBPyConnection, rows: int, times: int) -> duckdb.DuckDBPyRelation:
    """The rows of the prepared store, ``times`` over."""
    path = prepared(rows) / "raw_playlists.parquet"
    return connection.sql(
        f"""SELECT row_id * {times} + copy AS row_id, user_id || '-' || copy AS user_id, playlist, artist,
            CASE WHEN hash(artist, track) % 5 < 4 THEN track || ' ' || copy ELSE track END AS track
        FROM read_parquet('{path}'), range({times}) AS copies(copy)"""
    )


def measured(spill: Path, work: Callable[[], None]) -> dict[str, float]:
    """What ``work`` took."""
    spilled, done = [0], threading.Event()

    def watch() -> None:
        while not done.wait(0.5):
            spilled.append(sum(file.stat().st_size for file in spill.glob("*") if file.exists()))

    watching = threading.Thread(target=watch)
    watching.start()
    begun, cpu = time.perf_counter(), time.process_time()
    try:
        work()
    finally:
        done.set()
        watching.join()
    return {
        "seconds": round(time.perf_counter() - begun, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "peak_mb": peak_megabytes(),
        "spilled_mb": round(max(spilled) / 1e6),
    }


def main() -> None:
    """Reads the command line, prints a line of JSON for each table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=12_900_000)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--memory-limit", default="400MB", help="of DuckDB, as REC_ASSETS_MEMORY_LIMIT")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rec_assets-benchmark-") as folder:
        spill, catalog = Path(folder) / "spill", Path(folder) / "track_catalog.parquet"
        options = {"memory_limit": asked.memory_limit, "temp_directory": str(spill), "preserve_insertion_order": True}
        with duckdb.connect(config=options) as connection:
            raw = copies(connection, asked.rows, asked.times)
            tables = {
                "track_catalog": lambda: build_track_catalog(raw),
                "playlist_sequences": lambda: build_sequences(raw, connection.read_parquet(str(catalog))),
            }
            for name, build in tables.items():
                target = Path(folder) / f"{name}.parquet"
                figures = measured(spill, lambda build=build, target=target: write_table(build(), target, {}))
                sizes = {
                    "rows": count_rows(connection.read_parquet(str(target))),
                    "megabytes": round(target.stat().st_size / 1e6),
                }
                print(json.dumps({"table": name, **sizes, **figures}), flush=True)
    print(f"{asked.rows * asked.times:,} rows, memory limit {asked.memory_limit}; {describe_machine()}")


if __name__ == "__main__":
    main()
