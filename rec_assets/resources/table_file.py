"""The table file: parquet that holds the same bytes whenever it holds the same rows in the same order."""

import io
import mmap
import os
import re
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from rec_assets.core.errors import StoreError
from rec_assets.core.relations import Relation

ROWS_PER_GROUP = 122_880  # as DuckDB's own files: a thread of it reads a group at a time
CHECKSUM_KEY = "rec_assets.checksum"
# The checksum is that of the file with this in its own place.
_UNSEALED = b"crc32:0000000000"
_SEAL = re.compile(rb"crc32:\d{10}")


def write_table(relation: Relation, path: Path, notes: Mapping[str, str]) -> None:
    """Run ``relation`` once and stream its rows, in their order, to ``path``, with ``notes`` in the footer.

    Not by DuckDB's COPY: it cuts row groups where its threads happen to meet, so that the same rows give
    other bytes on every run; with one thread it loses the order of a UNION ALL; and it makes a temporary
    file of its own, which a killed process leaves for ever. This is no slower, and takes less memory.
    """
    with _Summed(path.open("wb", buffering=0)) as file:
        try:
            reader = relation.to_arrow_reader(ROWS_PER_GROUP)
            with pq.ParquetWriter(file, reader.schema, **_encoding(reader.schema)) as writer:
                for group in _row_groups(reader):
                    writer.write_table(group, ROWS_PER_GROUP)
                writer.add_key_value_metadata({**notes, CHECKSUM_KEY: _UNSEALED.decode()})
        except OSError as error:
            if error.errno is not None:
                raise
            # An error of DuckDB that came through Arrow, which keeps its words only.
            kind = duckdb.IOException if str(error).startswith("IO Error") else duckdb.Error
            raise kind(str(error)) from error
    with path.open("r+b") as sealed:
        sealed.seek(_seal_position(path))
        sealed.write(b"crc32:%010d" % file.checksum)


def _encoding(schema: pa.Schema) -> dict:
    # 64-bit numbers here are row ids and sorted counts: nearly all distinct, with small differences.
    deltas = [column.name for column in schema if column.type == pa.int64()]
    return {
        "compression": "zstd",
        "store_schema": False,
        "column_encoding": dict.fromkeys(deltas, "DELTA_BINARY_PACKED"),
        "use_dictionary": [_path_of(column) for column in schema if column.name not in deltas],
    }


def _path_of(column: pa.Field) -> str:
    """The column's path in a parquet schema, by which settings for it go."""
    return f"{column.name}.list.element" if pa.types.is_list(column.type) else column.name


def _row_groups(reader: pa.RecordBatchReader) -> Iterator[pa.Table]:
    """The rows cut after every ``ROWS_PER_GROUP``, wherever the batches end; no row gives no group."""
    held: list[pa.RecordBatch] = []
    count = 0
    for batch in reader:
        held.append(batch)
        count += len(batch)
        while count >= ROWS_PER_GROUP:
            table = pa.Table.from_batches(held)
            # In one piece: the encoder begins a page wherever a piece begins.
            yield table.slice(0, ROWS_PER_GROUP).combine_chunks()
            held = table.slice(ROWS_PER_GROUP).to_batches()
            count -= ROWS_PER_GROUP
    if count:
        yield pa.Table.from_batches(held).combine_chunks()


class _Summed(io.BufferedWriter):
    """A file that sums up what is written to it."""

    checksum = 0

    def write(self, data: Any) -> int:
        self.checksum = zlib.crc32(data, self.checksum)
        return super().write(data)


def read_notes(path: Path) -> dict[str, str]:
    """The ``notes`` that were saved with a table.

    Raises:
        StoreError: the file is missing, or not a whole parquet file.
    """
    try:
        metadata = pq.read_metadata(path).metadata or {}
    except (pa.ArrowException, OSError) as error:
        raise StoreError(f"{path} is not a whole parquet file ({error}). {remedy(path)}") from error
    return {key.decode(): value.decode() for key, value in metadata.items()}


def verify_table(path: Path) -> None:
    """Read every byte once (0.1 s for 12M rows) and compare with the checksum in the footer.

    Raises:
        StoreError: the file is missing, not a whole parquet file, of another kind, or damaged.
    """
    written = read_notes(path).get(CHECKSUM_KEY, "")
    if not _SEAL.fullmatch(written.encode()):
        raise StoreError(f"{path} was not written by this package. {remedy(path)}")
    if written != f"crc32:{_checksum(path):010d}":
        raise StoreError(f"{path} is damaged: its rows are not those that were written. {remedy(path)}")


def _checksum(path: Path) -> int:
    """The checksum of the file as it was before it was sealed."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        seal = _seal_position(path)
        with memoryview(content) as view:
            checksum = zlib.crc32(_UNSEALED, zlib.crc32(view[:seal]))
            return zlib.crc32(view[seal + len(_UNSEALED) :], checksum)


def _seal_position(path: Path) -> int:
    """Where the checksum stands: the last one in the footer, whose length is before the last four bytes."""
    with path.open("rb") as file:
        end = file.seek(-8, os.SEEK_END)
        start = file.seek(end - int.from_bytes(file.read(4), "little"))
        return start + [match.start() for match in _SEAL.finditer(file.read())][-1]


def remedy(path: Path) -> str:
    """What to do about a file of the store that cannot be read."""
    return f"Materialize {path.name.partition('.')[0]} again."
