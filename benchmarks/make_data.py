"""The files that the benchmarks read, made or converted once and kept.

In a process of its own, because the peak memory that a benchmark reports starts from its parent's.

    python benchmarks/make_data.py made.parquet --rows 1000000
    python benchmarks/make_data.py cleaned.parquet --from-dialect playlists.csv.gz
"""

import argparse
import gzip
import itertools
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from rec_assets.core.synthetic.writers import PARQUET_SCHEMA, write_synthetic_playlists

BATCH_LINES = 200_000


def clean_dialect(source: Path, target: Path) -> None:
    """Converts a ``.csv`` or ``.csv.gz`` in the dialect to the parquet that the tutorial starts from."""
    unfinished = target.with_name(f".{target.name}.unfinished")
    with pq.ParquetWriter(unfinished, PARQUET_SCHEMA, compression="zstd") as writer:
        every_row = _read_rows(source)
        while rows := list(itertools.islice(every_row, BATCH_LINES)):
            columns = zip(*rows, strict=True)
            writer.write_batch(pa.record_batch([pa.array(column) for column in columns], PARQUET_SCHEMA))
    unfinished.replace(target)


def _read_rows(source: Path) -> Iterator[tuple[int, *tuple[str | None, ...]]]:
    opener = gzip.open if source.suffix == ".gz" else open
    with opener(source, "rt", encoding="utf-8", newline="\n") as lines:
        next(lines)
        for row_id, line in enumerate(lines):
            fields = line.rstrip("\n")[1:-1].split('","')
            if len(fields) == 4:
                yield (row_id, *(field or None for field in fields))


def main() -> None:
    """Reads the command line, writes one file."""
    parser = argparse.ArgumentParser(description="Makes or converts a file for the benchmarks.")
    parser.add_argument("target", type=Path, help="what to write: .parquet, .csv or .csv.gz")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--rows", type=int, help="make so many rows")
    what.add_argument("--from-dialect", type=Path, help="convert this file to parquet")
    arguments = parser.parse_args()
    arguments.target.parent.mkdir(parents=True, exist_ok=True)
    if arguments.from_dialect:
        clean_dialect(arguments.from_dialect, arguments.target)
    else:
        write_synthetic_playlists(arguments.target, rows=arguments.rows)


if __name__ == "__main__":
    main()
