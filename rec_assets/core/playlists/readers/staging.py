"""Read every file of a source once: rows that can be placed in a playlist, and rejects with their reason."""

import errno
import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from rec_assets.core.base.errors import SourceError, StoreError
from rec_assets.core.base.relations import (
    Connection,
    Relation,
    count_rows,
    fetch_row,
    query,
    read_table,
    sql_name,
    sql_text,
)
from rec_assets.core.playlists.readers import plain_csv, unescaped_csv
from rec_assets.core.playlists.readers.columns import REQUIRED_COLUMNS, FileRows, TextRows, find_columns, in_one_order
from rec_assets.core.playlists.readers.sources import (
    PlaylistSource,
    SourceFormat,
    detect_format,
    locate_files,
    name_files,
)
from rec_assets.core.playlists.readers.text_files import readable


@dataclass(frozen=True)
class StagedPlaylists:
    """A source that was read.

    Attributes:
        rows: ``row_id, user_id, playlist, artist, track``; empty text is NULL.
        rejects: ``source_file, line_number, text, reason``, one for each line of text.
        files: what was read, in order.
    """

    rows: Relation
    rejects: Relation
    row_count: int
    reject_count: int
    files: list[Path]

    @property
    def reject_share(self) -> float:
        """Rejects among all lines, 0..1."""
        return self.reject_count / (self.row_count + self.reject_count)

    def commonest_reasons(self) -> list[tuple[str, int, str, int]]:
        """``(reason, lines, file, line number of the first)`` of the three commonest, by number."""
        first = "min_by({file: source_file, line: line_number}, (source_file, line_number)) AS first"
        counted = self.rejects.aggregate(f"reason, count(*) AS lines, {first}", "reason")
        commonest = counted.order("lines DESC, reason").limit(3)
        return commonest.select("reason, lines, first.file, first.line").fetchall()


def stage_playlists(connection: Connection, source: PlaylistSource, folder: Path) -> StagedPlaylists:
    """Read ``source``; text is parsed once, into parquet files in ``folder``, and parquet is read where it is.

    ``row_id`` is the files' own column where they have it, else the place of the row in its file; see
    :func:`in_one_order` for several files. Raises SourceError: a file is missing, empty, damaged, of another format or
    encoding, or lacks a column; StoreError: ``folder`` is full.
    """
    files = locate_files(source.location)
    with _explained(files, folder):
        parts = [
            _read_file(connection, source, path, folder / f"staged-{number:05d}.parquet")
            for number, path in enumerate(files)
        ]
        return _part(connection, in_one_order(connection, parts), files, folder)


@contextmanager
def _explained(files: list[Path], folder: Path) -> Iterator[None]:
    """Names the files where DuckDB cannot read their content, which is parquet: text is parsed by this package."""
    try:
        yield
    except duckdb.IOException as error:
        if os.strerror(errno.ENOSPC) in str(error):
            raise StoreError(
                f"no space left in {folder} for temporary files. Free some space, or set the environment variable "
                "TMPDIR to a folder on a larger disk."
            ) from error
        raise  # it may be transient: the caller tries again
    except (duckdb.OutOfMemoryException, duckdb.InterruptException):
        raise
    except duckdb.Error as error:
        raise broken_parquet(name_files(files), error) from error


def _read_file(connection: Connection, source: PlaylistSource, path: Path, staged: Path) -> FileRows:
    """The rows of one file, refused lines among them with their fault."""
    columns = dict(source.columns)
    match detect_format(path, source.format):
        case SourceFormat.parquet:
            return read_parquet(connection, path, columns)
        case SourceFormat.unescaped_csv:
            text = unescaped_csv.open_rows(path, columns)
        case _:
            text = plain_csv.open_rows(path, columns)
    _stage(connection, text, staged)
    return FileRows(path, f"SELECT * FROM read_parquet({sql_text(str(staged))})", text.own_row_ids)


def _stage(connection: Connection, text: TextRows, staged: Path) -> None:
    """Write the rows of ``text`` to ``staged``, batch by batch."""
    failures: list[Exception] = []

    def watched() -> Iterator[pa.RecordBatch]:
        try:
            yield from text.batches
        except Exception as error:
            failures.append(error)
            raise

    lines = connection.from_arrow(pa.RecordBatchReader.from_batches(text.schema, watched()))
    try:
        # A reject keeps its line; the millions of good rows need not.
        query(lines, "batches", text.sql).query(
            "parsed",
            f"""COPY (SELECT * REPLACE (CASE WHEN {_REASON} IS NOT NULL THEN text END AS text) FROM parsed)
                TO {sql_text(str(staged))} (FORMAT parquet)""",
        )
    except duckdb.Error:
        if failures:  # DuckDB passes an error of the reader on as text, with its stack
            raise failures[0] from None
        raise


_REASON = """coalesce(fault,
    CASE WHEN row_id IS NULL THEN 'no whole number as row_id'
         WHEN nullif(user_id, '') IS NULL THEN 'no user'
         WHEN nullif(playlist, '') IS NULL THEN 'no playlist'
         WHEN nullif(artist, '') IS NULL AND nullif(track, '') IS NULL THEN 'neither artist nor track' END)"""


def _part(connection: Connection, select: str, files: list[Path], folder: Path) -> StagedPlaylists:
    everything = connection.sql(select)
    rows = query(
        everything,
        "everything",
        f"""SELECT row_id, user_id, playlist, nullif(artist, '') AS artist, nullif(track, '') AS track
            FROM everything WHERE {_REASON} IS NULL""",
    )
    rejected = query(
        everything,
        "everything",
        f"""SELECT source_file, line_number,
                coalesce(text, concat_ws(' | ', user_id, playlist, artist, track)) AS text, {_REASON} AS reason
            FROM everything WHERE {_REASON} IS NOT NULL ORDER BY source_file, line_number""",
    )
    # Stored at once: finding them reads every row, and they are used several times.
    rejected.to_parquet(str(folder / "rejects.parquet"))
    rejects = read_table(connection, folder / "rejects.parquet")
    # The greatest row_id is not used: it makes DuckDB read that column too, so that damage shows here.
    total, _ = fetch_row(everything.aggregate("count(*), max(row_id)"))
    reject_count = count_rows(rejects)
    row_count = total - reject_count
    if row_count + reject_count == 0:
        raise SourceError(
            f"{name_files(files)}: no row after the header; expected rows of playlists. Write or download the data "
            "again, or set `source` to another file."
        )
    return StagedPlaylists(rows, rejects, row_count, reject_count, files)


_INTEGERS = {f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")}
# A number may identify a user or a playlist; a name is text.
_EXPECTED = {
    "row_id": (_INTEGERS, "a whole number (BIGINT)"),
    "user_id": ({"VARCHAR"} | _INTEGERS, "text (VARCHAR) or a whole number"),
    "playlist": ({"VARCHAR"} | _INTEGERS, "text (VARCHAR) or a whole number"),
    "artist": ({"VARCHAR"}, "text (VARCHAR)"),
    "track": ({"VARCHAR"}, "text (VARCHAR)"),
}


def read_parquet(connection: Connection, path: Path, columns: dict[str, str]) -> FileRows:
    """The rows of ``path`` in the columns that staging expects, lazily.

    Without a ``row_id`` the rows are numbered in the order of the file. Raises SourceError: not a whole parquet file, a
    missing column, or one of another type.
    """
    with readable(path), path.open("rb"):
        pass  # a file without read permission is not a broken one
    try:
        relation = read_table(connection, path)
    except duckdb.IOException:
        raise
    except duckdb.Error as error:
        raise broken_parquet(str(path), error) from error
    found = find_columns(path, relation.columns, columns)
    types = dict(zip(relation.columns, map(str, relation.types), strict=True))
    for standard, name in found.items():
        accepted, expected = _EXPECTED[standard]
        if types[name] not in accepted:
            raise SourceError(
                f"{path}: column {name!r} (`{standard}`) is {types[name]}; expected {expected}. "
                "Cast it when you write the file, or name another one in the setting `columns`."
            )
    fields = ", ".join(f"{sql_name(found[standard])}::VARCHAR AS {standard}" for standard in REQUIRED_COLUMNS)
    row_id = f"{sql_name(found['row_id'])}::BIGINT" if "row_id" in found else "file_row_number"
    sql = f"""
        SELECT {row_id} AS row_id, {fields}, {sql_text(path.name)} AS source_file,
            file_row_number + 1 AS line_number,
            NULL::VARCHAR AS text, NULL::VARCHAR AS fault
        FROM read_parquet({sql_text(glob.escape(str(path)))}, file_row_number=true, hive_partitioning=false)"""
    return FileRows(path, sql, "row_id" in found)


def broken_parquet(path: str, error: duckdb.Error) -> SourceError:
    """The error for a damaged file, with the first line of what DuckDB says."""
    return SourceError(
        f"{path} is not a whole parquet file: {str(error).splitlines()[0]}. Write or download it again, or set "
        "`format` if it is another kind of file."
    )
