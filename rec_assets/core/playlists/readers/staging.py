"""Read every file of a source once: rows that can be placed in a playlist, and rejects with their reason."""

import errno
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa

from rec_assets.core.base.errors import SourceError, StoreError
from rec_assets.core.base.relations import Connection, Relation, count_rows, fetch_row, query, read_table, sql_text
from rec_assets.core.playlists.readers import delimited, json_records, parquet, unescaped_csv
from rec_assets.core.playlists.readers.columns import FILE, FOLDER, Layout, require_columns, schema_of
from rec_assets.core.playlists.readers.files import SourceFile, name_files
from rec_assets.core.playlists.readers.kinds import detect_format, read_head
from rec_assets.core.playlists.readers.ordering import (
    FileRows,
    by_moment,
    in_one_order,
    into_sessions,
    moment_sql,
    runs_against,
)
from rec_assets.core.playlists.readers.rows import (
    NUMBER,
    cleaned_sql,
    lacking_sql,
    whole_number_sql,
    without_points_sql,
)
from rec_assets.core.playlists.readers.settings import SeveralFiles, SourceFormat, SourceSettings
from rec_assets.core.playlists.repeats import count_in_several_files, newest_only, refuse_several_files
from rec_assets.core.playlists.spellings import join_spellings

_NOT_OF_A_FILE = (
    *(duckdb.OutOfMemoryException, duckdb.InterruptException),
    *(duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException),
)
_MISSING, _MISSING_SHARE = (r"\N", "NaN", "nan", "NULL", "null", "None", "N/A", "<NA>"), 0.001
_ROWS_LOOKED_AT, _FILES_WATCHED = 100_000, 20
NAMES = ("user_id", "playlist", "artist", "track")
_COLUMNS = "row_id, user_id, playlist, artist, track"
DEFAULT_GAP_MINUTES = 30


@dataclass(frozen=True)
class StagedPlaylists:
    """A source that was read.

    Attributes:
        rows: ``row_id, user_id, playlist, artist, track``; empty text is NULL.
        rejects: ``source_file, line_number, text, reason``, one for each line of text.
        row_count, reject_count: how many were read, and could not be.
        files: what was read, in order.
        notes: what is to be known about how it was read, in sentences.
        repeats: how many playlists are in several files, by :func:`count_in_several_files`.
    """

    rows: Relation
    rejects: Relation
    row_count: int
    reject_count: int
    files: list[SourceFile]
    notes: list[str]
    repeats: dict[str, int]

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


def stage_playlists(
    connection: Connection, files: Sequence[SourceFile], settings: SourceSettings, folder: Path
) -> StagedPlaylists:
    """Read ``files``; text is parsed once, into parquet files in ``folder``, and parquet is read where it is.

    ``row_id`` is the files' own column where they have it, else the place of the row in its file; see
    :func:`in_one_order` for several files. Raises SourceError: a file is missing, empty, damaged, of another format or
    encoding, or lacks a column, or too many playlists are in several files; StoreError: ``folder`` is full.
    """
    with _explained(files, folder):
        return _Source(connection, list(files), settings, folder).staged()


@contextmanager
def _explained(files: Sequence[SourceFile], folder: Path) -> Iterator[None]:
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
    except _NOT_OF_A_FILE:
        raise
    except (duckdb.Error, RuntimeError) as error:
        raise parquet.broken_parquet(name_files(files), error) from error


class _Source:
    """The files of a source on their way to one table."""

    def __init__(self, connection: Connection, files: list[SourceFile], settings: SourceSettings, folder: Path) -> None:
        self._connection, self._files, self._settings, self._folder = connection, files, settings, folder
        self._parquet_sql: dict[SourceFile, str] = {}
        self._layouts = {file: self._inspect(file) for file in files}
        self._notes: list[str] = []
        has = {name: any(name in one.columns.by for one in self._layouts.values()) for name in NAMES}
        self._is_history = not has["playlist"] and self._all_have_times()
        self._by_file = not (has["playlist"] or has["user_id"] or self._is_history) and len(files) > 1

    def _inspect(self, file: SourceFile) -> Layout:
        head = read_head(file)
        match detect_format(file, head, self._settings.format):
            case SourceFormat.parquet:
                layout, self._parquet_sql[file] = parquet.inspect(self._connection, file, self._settings)
                return layout
            case SourceFormat.unescaped_csv:
                return unescaped_csv.inspect(file, head, self._settings)
            case SourceFormat.json:
                return json_records.inspect(file, head, self._settings)
            case _:
                return delimited.inspect(file, head, self._settings)

    def _all_have_times(self) -> bool:
        return all({"played_at", "ordered_by"} & layout.columns.by.keys() for layout in self._layouts.values())

    def staged(self) -> StagedPlaylists:
        """All of it."""
        columns = {file: layout.columns for file, layout in self._layouts.items()}
        require_columns(columns, is_history=self._is_history or self._by_file)
        if self._by_file:
            self._notes.append("the files name no playlists: each file is one playlist, named after it")
        gap = self._gap_minutes()
        parts = [self._read(file, number) for number, file in enumerate(self._files)]
        self._watch_order(parts, gap)
        everything = self._connection.sql(in_one_order(self._connection, parts))
        rows, rejects, row_count, reject_count = self._divided(everything, gap)
        self._look_for_missing(rows)
        if self._settings.order or gap:
            rows = by_moment(rows, falls=self._settings.order_falls)
        rows = into_sessions(rows, gap) if gap else rows
        rows, repeats = self._once_each(rows)
        rows = join_spellings(self._connection, rows) if self._settings.join_spellings else rows
        return StagedPlaylists(
            rows.select(_COLUMNS), rejects, row_count, reject_count, self._files, self._notes, repeats
        )

    def _once_each(self, rows: Relation) -> tuple[Relation, dict[str, int]]:
        """The rows of which each playlist has its own, and how many playlists are in several files.

        Raises SourceError: too many of them with the same tracks.
        """
        if len(self._files) == 1:
            return rows, {}
        counts = count_in_several_files(rows)
        if self._settings.several_files is SeveralFiles.snapshots:
            return newest_only(rows), counts
        refuse_several_files(rows, counts, self._settings.max_repeated_share, name_files(self._files))
        return rows, counts

    def _gap_minutes(self) -> float:
        """After how many minutes without a play a playlist ends; 0 = never."""
        asked = self._settings.session_gap_minutes
        if asked and not self._all_have_times():
            raise SourceError(
                f"session_gap_minutes is {asked:g}, and {name_files(self._files)} has no column with times. Set "
                "`order` to the column that holds them, or `session_gap_minutes: 0`."
            )
        if asked or not self._is_history:
            return asked
        self._notes.append(
            f"the files name no playlists: histories are cut after {DEFAULT_GAP_MINUTES} minutes without a play "
            "(session_gap_minutes)"
        )
        return DEFAULT_GAP_MINUTES

    def _read(self, file: SourceFile, number: int) -> FileRows:
        """The rows of one file with all columns, refused lines among them with their fault."""
        layout = self._layouts[file]
        sql = self._parquet_sql.get(file) or self._stage(file, layout, self._folder / f"staged-{number:05d}.parquet")
        own = layout.columns.own()
        moment = next((one for one in ("ordered_by", "played_at", "placed") if one in own), None)
        names = {name: self._name_sql(file, layout, name, sql) for name in NAMES}
        row_id = "row_id" if "row_id" in own else "place"
        moments = moment_sql(self._connection.sql(sql), moment) if moment else f"NULL::{NUMBER}"
        # Whether a name is there is seen faster than what it is, and every row is asked for it.
        is_parquet, missing = layout.format is SourceFormat.parquet, self._settings.missing_values
        lacks = {n: lacking_sql(n, missing) if is_parquet and n in own else f"{names[n]} IS NULL" for n in NAMES}
        fields = ", ".join(f"{names[name]} AS {name}, {lacks[name]} AS lacks_{name}" for name in NAMES)
        whole = f"""SELECT {number} AS file_number, {sql_text(file.name)} AS source_file, line_number, place,
            {row_id} AS row_id, {fields}, {moments} AS moment, text, fault FROM ({sql})"""
        return FileRows(file, whole, "row_id" in own)

    def _name_sql(self, file: SourceFile, layout: Layout, name: str, sql: str) -> str:
        found = layout.columns.by.get(name, FILE if self._by_file and name == "playlist" else "")
        if found in (FILE, FOLDER):
            is_unique = sum(other.stem == file.stem for other in self._files) == 1
            stem = file.stem if is_unique else f"{file.folder}/{file.stem}"
            return sql_text(stem if found == FILE else file.folder)
        if not found:
            return "NULL::VARCHAR"
        if layout.format is SourceFormat.parquet:
            return cleaned_sql(name, self._settings.missing_values)
        return without_points_sql(self._connection.sql(sql), name)

    def _stage(self, file: SourceFile, layout: Layout, target: Path) -> str:
        """SQL over the rows of a text file, which are written to ``target`` batch by batch."""
        own, sql, schema = layout.columns.own(), "FROM batches", schema_of(layout.columns)
        match layout.format:
            case SourceFormat.unescaped_csv:
                schema, batches = unescaped_csv.LINES, unescaped_csv.batches(file, layout)
                sql = unescaped_csv.columns_sql(layout)
            case SourceFormat.json:
                batches = json_records.batches(file, layout)
            case _:
                batches = delimited.batches(file, layout)
        is_header = " AND ".join(f"{standard} = {sql_text(name)}" for standard, name in own.items())
        fault = (
            f"coalesce(fault, CASE WHEN {is_header} THEN 'the header again' END)" if layout.header_lines else "fault"
        )
        fields = {name: cleaned_sql(name, self._settings.missing_values) if name in NAMES else name for name in own}
        fields |= {"row_id": whole_number_sql("row_id")} if "row_id" in own else {}
        names = "".join(f"{field} AS {name}, " for name, field in fields.items())
        # A reject keeps its line; the millions of good rows need not.
        lacks = " OR ".join(f"{name} IS NULL" for name in own)
        select = f"""
            SELECT * REPLACE (CASE WHEN fault IS NOT NULL OR {lacks} THEN text END AS text)
            FROM (SELECT line_number, place, {names} text, {fault} AS fault FROM ({sql}))"""
        self._copy(schema, batches, select, target)
        return f"SELECT * FROM read_parquet({sql_text(str(target))})"

    def _copy(self, schema: pa.Schema, batches: Iterator[pa.RecordBatch], sql: str, target: Path) -> None:
        failures: list[Exception] = []

        def watched() -> Iterator[pa.RecordBatch]:
            try:
                yield from batches
            except Exception as error:
                failures.append(error)
                raise

        lines = self._connection.from_arrow(pa.RecordBatchReader.from_batches(schema, watched()))
        try:
            query(lines, "batches", f"COPY ({sql}) TO {sql_text(str(target))} (FORMAT parquet)")
        except duckdb.Error:
            if failures:  # DuckDB passes an error of the reader on as text, with its stack
                raise failures[0] from None
            raise

    def _watch_order(self, parts: Sequence[FileRows], gap: float) -> None:
        """Notes where an unused column says that the rows stand in another order."""
        if self._settings.order or gap or all(part.own_row_ids for part in parts):
            return
        for part in parts[:_FILES_WATCHED]:
            own = self._layouts[part.file].columns.own()
            name = own.get("played_at", own.get("placed"))
            if name and runs_against(self._connection.sql(part.sql)):
                self._notes.append(
                    f"column {name!r} of {part.file} runs against the order of its rows, by which tracks are taken; if "
                    f"it is the right order, set `order: {name}`"
                )
                return

    def _divided(self, everything: Relation, gap: float) -> tuple[Relation, Relation, int, int]:
        """Rows, rejects, and how many of each. Raises SourceError: there are neither."""
        moment = ""
        if self._settings.order or gap:
            moment = f"""WHEN moment IS NULL
                THEN 'no number, date or time as ' || {sql_text(self._settings.order_column or "time")}"""
        playlist = "" if self._is_history else "WHEN lacks_playlist THEN 'no playlist'"
        reason = f"""CASE WHEN row_id IS NULL THEN 'no whole number as row_id' {playlist}
            WHEN lacks_artist AND lacks_track THEN 'neither artist nor track' {moment} END"""
        candidates = self._candidates(everything, reason)
        # The greatest row_id is not used: it makes DuckDB read that column too, so that damage shows here.
        counted = everything.aggregate("file_number, count(*), max(row_id)", "file_number").fetchall()
        totals = {number: count for number, count, _ in counted}
        if not totals:
            raise SourceError(
                f"{name_files(self._files)}: no row after the header; expected rows of playlists. Write or download "
                "the data again, or set `source` to another file."
            )
        without = dict(candidates.aggregate("file_number, count(*) FILTER (lacks_user_id)", "file_number").fetchall())
        # A file none of whose rows names a user is one without users.
        with_users = [number for number in self._user_files() if without.get(number, 0) < totals.get(number, 0)]
        lacks_user = f"(lacks_user_id AND file_number IN ({', '.join(map(str, with_users)) or -1}))"
        rejected = candidates.filter(f"fault IS NOT NULL OR {lacks_user} OR reason IS NOT NULL")
        rejects = rejected.select(
            "source_file, line_number, text,"
            f" coalesce(fault, CASE WHEN {lacks_user} THEN 'no user' END, reason) AS reason"
        )
        reject_count, rows = count_rows(rejects), everything
        if reject_count:  # by their places, since to judge every name again takes as long as to write it
            rows = query(
                everything,
                "everything",
                f"""SELECT everything.* FROM everything ANTI JOIN ({rejected.sql_query()}) rejected
                    ON everything.file_number = rejected.file_number AND everything.place = rejected.place""",
            )
        return rows, rejects, sum(totals.values()) - reject_count, reject_count

    def _user_files(self) -> list[int]:
        return [number for number, file in enumerate(self._files) if "user_id" in self._layouts[file].columns.by]

    def _candidates(self, everything: Relation, reason: str) -> Relation:
        """Rows that may be rejects, stored at once: finding them reads every row, and they are used several times."""
        query(
            everything,
            "everything",
            f"""SELECT file_number, source_file, line_number, place,
                    coalesce(text, concat_ws(' | ', user_id, playlist, artist, track)) AS text,
                    fault, {reason} AS reason, lacks_user_id
                FROM everything WHERE fault IS NOT NULL OR {reason} IS NOT NULL
                    OR (lacks_user_id AND file_number IN ({", ".join(map(str, self._user_files())) or -1}))""",
        ).to_parquet(str(self._folder / "rejects.parquet"))
        return read_table(self._connection, self._folder / "rejects.parquet")

    def _look_for_missing(self, rows: Relation) -> None:
        """Notes texts that commonly stand for an empty field."""
        listed, seen = ", ".join(map(sql_text, _MISSING)), rows.limit(_ROWS_LOOKED_AT)
        found = query(
            seen,
            "head",
            f"""SELECT name, text, count(*) FROM (
                    UNPIVOT (SELECT {", ".join(NAMES)} FROM head) ON {", ".join(NAMES)} INTO NAME name VALUE text
                ) WHERE text IN ({listed}) GROUP BY ALL ORDER BY ALL""",
        ).fetchall()
        total = fetch_row(seen.aggregate("count(*)"))[0]
        often = [one for one in found if one[1] == r"\N" or one[2] > _MISSING_SHARE * total]
        if often:
            counts = ", ".join(f"{name} is {text} in {times:,}" for name, text, times in often)
            texts = json.dumps(sorted({text for _, text, _ in often}))
            self._notes.append(
                f"of the first {total:,} rows {counts}; if that stands for an empty field, set "
                f"`missing_values: {texts}`"
            )
