"""The least that storing the prepared tables costs: bare DuckDB statements, nothing checked or described.

    python benchmarks/floor.py cleaned.parquet

prints one JSON line: wall seconds of three statements on all cores, without a memory limit. What a project pays for
tables on disk, whatever else it does, is at least their sum: rows as they came, one row per track, one row per
playlist as numbers of tracks.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import duckdb

ROWS = """COPY (SELECT row_id, user_id, playlist, artist, track FROM source)
    TO '{folder}/rows.parquet' (FORMAT parquet, COMPRESSION zstd)"""
TRACKS = """COPY (SELECT (row_number() OVER (ORDER BY occurrences DESC) - 1)::INTEGER AS track_index, *
        FROM (SELECT artist, track, count(*) AS occurrences FROM source GROUP BY artist, track))
    TO '{folder}/tracks.parquet' (FORMAT parquet, COMPRESSION zstd)"""
SEQUENCES = """COPY (SELECT user_id, playlist, list(track_index ORDER BY row_id) AS track_indexes
        FROM (SELECT *, hash(artist, track) AS key FROM source)
        JOIN (SELECT track_index, hash(artist, track) AS key FROM '{folder}/tracks.parquet') USING (key)
        GROUP BY user_id, playlist HAVING count(*) > 2)
    TO '{folder}/sequences.parquet' (FORMAT parquet, COMPRESSION zstd)"""


def run(source: Path) -> dict[str, float]:
    """Seconds by table, and their sum."""
    seconds = {}
    with tempfile.TemporaryDirectory(prefix="rec_assets-floor-") as folder, duckdb.connect() as connection:
        connection.from_parquet(str(source)).create_view("source")
        for name, statement in {"rows": ROWS, "tracks": TRACKS, "sequences": SEQUENCES}.items():
            start = time.perf_counter()
            connection.execute(statement.format(folder=folder))
            seconds[name] = round(time.perf_counter() - start, 2)
    return {**seconds, "total": round(sum(seconds.values()), 2)}


def main() -> None:
    """Reads the command line, prints one JSON line."""
    parser = argparse.ArgumentParser(description="What storing the tables costs at least.")
    parser.add_argument("source", type=Path, help="parquet with row_id, user_id, artist, track, playlist")
    print(json.dumps(run(parser.parse_args().source)))


if __name__ == "__main__":
    main()
