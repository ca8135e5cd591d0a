"""Files that are written alike, as one part of the source: SQL over their rows, with the same columns for all parts."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from rec_assets.core.base.relations import Connection, query, sql_text
from rec_assets.core.playlists.readers import delimited, json_records, unescaped_csv
from rec_assets.core.playlists.readers.columns import FILE, FOLDER, Layout, schema_of
from rec_assets.core.playlists.readers.files import SourceFile
from rec_assets.core.playlists.readers.ordering import moment_sql
from rec_assets.core.playlists.readers.rows import (
    NUMBER,
    cleaned_sql,
    lacking_sql,
    whole_number_sql,
    without_points_sql,
)
from rec_assets.core.playlists.readers.settings import SourceFormat

NAMES = ("user_id", "playlist", "artist", "track")


@dataclass(frozen=True)
class Part:
    """Files with one layout.

    Attributes:
        numbers: of the files, in the order of the source.
        layout: of the first of them.
        sql: over their rows: ``file_number, line_number, place, row_id``, the four names, each with a column
            ``lacks_...`` that says whether it is empty, ``moment, text, fault``.
    """

    numbers: Sequence[int]
    layout: Layout
    sql: str


def alike(layouts: Sequence[Layout]) -> list[list[int]]:
    """The numbers of ``layouts`` whose files can be read as one; parquet files are read where they are, one by one."""
    groups: dict[object, list[int]] = {}
    for number, layout in enumerate(layouts):
        own = tuple(layout.columns.own().items())
        names = tuple(layout.columns.names) if layout.format is SourceFormat.unescaped_csv else ()
        one_by_one = number if layout.format is SourceFormat.parquet else None
        groups.setdefault((layout.format, layout.header_lines, own, names, one_by_one), []).append(number)
    return list(groups.values())


def stage_text(
    connection: Connection,
    files: Mapping[int, SourceFile],
    layouts: Sequence[Layout],
    missing: Sequence[str],
    target: Path,
) -> str:
    """SQL over the rows of text ``files``, by number and written alike; they are written to ``target`` as they come."""
    layout = layouts[next(iter(files))]
    own, sql, schema = layout.columns.own(), "FROM batches", schema_of(layout.columns)
    if layout.format is SourceFormat.unescaped_csv:
        sql, schema = unescaped_csv.columns_sql(layout), unescaped_csv.LINES
    is_header = " AND ".join(f"{standard} = {sql_text(name)}" for standard, name in own.items())
    fault = f"coalesce(fault, CASE WHEN {is_header} THEN 'the header again' END)" if layout.header_lines else "fault"
    fields = {name: cleaned_sql(name, missing) if name in NAMES else name for name in own}
    fields |= {"row_id": whole_number_sql("row_id")} if "row_id" in own else {}
    names = "".join(f"{field} AS {name}, " for name, field in fields.items())
    # A reject keeps its line; the millions of good rows need not.
    lacks = " OR ".join(f"{name} IS NULL" for name in own)
    select = f"""
        SELECT * REPLACE (CASE WHEN fault IS NOT NULL OR {lacks} THEN text END AS text)
        FROM (SELECT file_number, line_number, place, {names} text, {fault} AS fault FROM ({sql}))"""
    numbered = pa.schema([*schema, ("file_number", pa.int64())])
    _copy(connection, numbered, _batches(files, layouts, numbered), select, target)
    return f"SELECT * FROM read_parquet({sql_text(str(target))})"


def _batches(files: Mapping[int, SourceFile], layouts: Sequence[Layout], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    for number, file in files.items():
        layout = layouts[number]
        reader = {SourceFormat.unescaped_csv: unescaped_csv, SourceFormat.json: json_records}.get(
            layout.format, delimited
        )
        for batch in reader.batches(file, layout):
            yield pa.record_batch([*batch.columns, pa.repeat(number, batch.num_rows)], schema=schema)


def _copy(connection: Connection, schema: pa.Schema, batches: Iterator[pa.RecordBatch], sql: str, target: Path) -> None:
    failures: list[Exception] = []

    def watched() -> Iterator[pa.RecordBatch]:
        try:
            yield from batches
        except Exception as error:
            failures.append(error)
            raise

    lines = connection.from_arrow(pa.RecordBatchReader.from_batches(schema, watched()))
    try:
        query(lines, "batches", f"COPY ({sql}) TO {sql_text(str(target))} (FORMAT parquet)")
    except duckdb.Error:
        if failures:  # DuckDB passes an error of the reader on as text, with its stack
            raise failures[0] from None
        raise


def part_of(
    connection: Connection,
    sql: str,
    numbers: Sequence[int],
    layout: Layout,
    files: Sequence[SourceFile],
    missing: Sequence[str],
    *,
    by_file: bool,
) -> Part:
    """The part of ``files`` with these ``numbers``, whose rows ``sql`` gives; see :class:`Part` for its columns.

    ``by_file`` says that each file is a playlist; for ``missing`` see ``SourceSettings.missing_values``.
    """
    own, rows = layout.columns.own(), connection.sql(sql)
    moment = next((one for one in ("ordered_by", "played_at", "placed") if one in own), None)
    is_parquet = layout.format is SourceFormat.parquet
    fields = []
    for name in NAMES:
        found = layout.columns.by.get(name, FILE if by_file and name == "playlist" else "")
        if found in (FILE, FOLDER):
            field = _from_paths(files, found)
        elif not found:
            field = "NULL::VARCHAR"
        else:
            field = cleaned_sql(name, missing) if is_parquet else without_points_sql(rows, name)
        # Whether a name is there is seen faster than what it is, and every row is asked for it.
        lacks = lacking_sql(name, missing) if is_parquet and name in own else f"{field} IS NULL"
        fields.append(f"{field} AS {name}, {lacks} AS lacks_{name}")
    row_id = "row_id" if "row_id" in own else "place"
    moments = moment_sql(rows, moment) if moment else f"NULL::{NUMBER}"
    number = numbers[0] if is_parquet else "file_number"
    return Part(
        numbers,
        layout,
        f"""SELECT {number} AS file_number, line_number, place, {row_id} AS row_id, {", ".join(fields)},
            {moments} AS moment, text, fault FROM ({sql})""",
    )


def _from_paths(files: Sequence[SourceFile], found: str) -> str:
    """SQL for the name of each row's file, with that of its folder where others have the same, or of its folder."""
    stems = Counter(file.stem for file in files)
    named = [file.stem if stems[file.stem] == 1 else f"{file.folder}/{file.stem}" for file in files]
    texts = named if found == FILE else [file.folder for file in files]
    return by_number(texts)


def by_number(texts: Sequence[str]) -> str:
    """SQL for that of ``texts`` which has the ``file_number`` of the row."""
    return f"[{', '.join(map(sql_text, texts))}][file_number + 1]"
