"""Read every file of a source once: rows that can be placed in a playlist, and rejects with their reason."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb

from rec_assets.core.base.errors import SourceError
from rec_assets.core.base.relations import Connection, Relation, full_disk_explained, sql_text
from rec_assets.core.playlists.readers import delimited, json_records, parquet, unescaped_csv
from rec_assets.core.playlists.readers.columns import Layout, require_columns
from rec_assets.core.playlists.readers.files import SourceFile, name_files
from rec_assets.core.playlists.readers.judging import judge
from rec_assets.core.playlists.readers.kinds import detect_format, read_head
from rec_assets.core.playlists.readers.notes import missing_values, other_order
from rec_assets.core.playlists.readers.ordering import by_moment, in_one_order, into_sessions, runs_against
from rec_assets.core.playlists.readers.parts import NAMES, Part, alike, part_of, stage_text
from rec_assets.core.playlists.readers.settings import DEFAULT_GAP_MINUTES, SeveralFiles, SourceFormat, SourceSettings
from rec_assets.core.playlists.repeats import count_in_several_files, newest_only, refuse_several_files
from rec_assets.core.playlists.spellings import join_spellings

_NOT_OF_A_FILE = (
    *(duckdb.OutOfMemoryException, duckdb.InterruptException),
    *(duckdb.ParserException, duckdb.BinderException, duckdb.CatalogException),
)
_CUT_OFF = "Could not read enough bytes"  # as DuckDB says, whose error has no number
_COLUMNS = "row_id, user_id, playlist, artist, track"


@dataclass(frozen=True)
class StagedPlaylists:
    """A source that was read.

    Attributes:
        rows: ``row_id, user_id, playlist, artist, track``, and ``time DOUBLE`` where they were ordered by one (dates
            as seconds since 1970); empty text is NULL.
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
    connection: Connection,
    files: Sequence[SourceFile],
    settings: SourceSettings,
    folder: Path,
    *,
    one_each: bool = False,
) -> StagedPlaylists:
    """Read ``files``; text is parsed once, into parquet files in ``folder``, and parquet is read where it is.

    ``row_id`` is the files' own column where they have it, else the place of the row in its file; see
    :func:`in_one_order` for several files. With ``one_each`` files that name no playlists are one playlist each, even
    if there is one file, or a history. Raises SourceError: a file is missing, empty, damaged, of another format or
    encoding, or lacks a column, or too many playlists are in several files; StoreError: ``folder`` is full.
    """
    with _explained(files, folder):
        return _Source(connection, list(files), settings, folder, one_each).staged()


@contextmanager
def _explained(files: Sequence[SourceFile], folder: Path) -> Iterator[None]:
    """Names the files where DuckDB cannot read their content, which is parquet: text is parsed by this package."""
    try:
        with full_disk_explained(folder):
            yield
    except duckdb.IOException as error:
        if _CUT_OFF in str(error):
            raise parquet.broken_parquet(name_files(files), error) from error
        raise  # it may be transient: the caller tries again
    except _NOT_OF_A_FILE:
        raise
    except (duckdb.Error, RuntimeError) as error:
        raise parquet.broken_parquet(name_files(files), error) from error


class _Source:
    """The files of a source on their way to one table."""

    def __init__(
        self,
        connection: Connection,
        files: list[SourceFile],
        settings: SourceSettings,
        folder: Path,
        one_each: bool,
    ) -> None:
        self._connection, self._files, self._settings, self._folder = connection, files, settings, folder
        self._parquet_sql: dict[int, str] = {}
        self._layouts = [self._inspect(number, file) for number, file in enumerate(files)]
        self._notes: list[str] = []
        has = {name: any(name in layout.columns.by for layout in self._layouts) for name in NAMES}
        self._is_history = not (has["playlist"] or one_each) and self._all_have_times()
        is_each_one = not (has["user_id"] or self._is_history) and len(files) > 1
        self._by_file = not has["playlist"] and (one_each or is_each_one)

    def _inspect(self, number: int, file: SourceFile) -> Layout:
        head = read_head(file)
        match detect_format(file, head, self._settings.format):
            case SourceFormat.parquet:
                layout, self._parquet_sql[number] = parquet.inspect(self._connection, file, self._settings)
                return layout
            case SourceFormat.unescaped_csv:
                return unescaped_csv.inspect(file, head, self._settings)
            case SourceFormat.json:
                return json_records.inspect(file, head, self._settings)
            case _:
                return delimited.inspect(file, head, self._settings)

    def _all_have_times(self) -> bool:
        return all({"played_at", "ordered_by"} & layout.columns.by.keys() for layout in self._layouts)

    def staged(self) -> StagedPlaylists:
        """All of it."""
        columns = {file: layout.columns for file, layout in zip(self._files, self._layouts, strict=True)}
        require_columns(columns, is_history=self._is_history or self._by_file)
        if self._by_file:
            self._notes.append("the files name no playlists: each file is one playlist, named after it")
        gap = self._gap_minutes()
        parts = [self._part(numbers) for numbers in alike(self._layouts)]
        self._watch_order(parts, gap)
        everything = self._connection.sql(" UNION ALL ".join(part.sql for part in parts))
        everything = in_one_order(everything, self._files, self._files_with("row_id"))
        target, users = self._folder / "rejects.parquet", self._files_with("user_id")
        judged = judge(self._connection, everything, self._files, users, self._reason(gap), target)
        self._notes += missing_values(judged.rows)
        has_time = bool(self._settings.order or gap)
        ordered = self._by_moment(judged.rows, gap) if has_time else judged.rows
        rows, repeats = self._once_each(ordered)
        rows = join_spellings(self._connection, rows) if self._settings.join_spellings else rows
        if rows is not ordered:  # joins give their rows in any order
            rows = rows.order("row_id")
        return StagedPlaylists(
            rows.select(f"{_COLUMNS}, moment::DOUBLE AS time" if has_time else _COLUMNS),
            judged.rejects,
            judged.row_count,
            judged.reject_count,
            self._files,
            self._notes,
            repeats,
        )

    def _files_with(self, standard: str) -> list[int]:
        """The numbers of the files that have the column."""
        return [number for number, layout in enumerate(self._layouts) if standard in layout.columns.own()]

    def _part(self, numbers: list[int]) -> Part:
        layout, missing = self._layouts[numbers[0]], self._settings.missing_values
        sql = self._parquet_sql.get(numbers[0])
        if sql is None:
            files = {number: self._files[number] for number in numbers}
            target = self._folder / f"staged-{numbers[0]:05d}.parquet"
            sql = stage_text(self._connection, files, self._layouts, missing, target)
        return part_of(self._connection, sql, numbers, layout, self._files, missing, by_file=self._by_file)

    def _by_moment(self, rows: Relation, gap: float) -> Relation:
        """The rows in the order of their moments, cut into sessions where there is a ``gap``."""
        target, falls = self._folder / "ordered.parquet", self._settings.order_falls
        if gap:
            return into_sessions(self._connection, rows, gap, target, falls=falls)
        return by_moment(self._connection, rows, target, falls=falls)

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

    def _watch_order(self, parts: Sequence[Part], gap: float) -> None:
        """Notes where an unused column says that the rows stand in another order."""
        if self._settings.order or gap:
            return
        for part in parts:
            own = part.layout.columns.own()
            name = own.get("played_at", own.get("placed"))
            if name and "row_id" not in own and runs_against(self._connection.sql(part.sql)):
                self._notes.append(other_order(name, self._files[part.numbers[0]]))
                return

    def _reason(self, gap: float) -> str:
        """SQL for why a row without a fault is a reject, NULL if it is none."""
        moment = ""
        if self._settings.order or gap:
            moment = f"""WHEN moment IS NULL
                THEN 'no number, date or time as ' || {sql_text(self._settings.order_column or "time")}"""
        playlist = "" if self._is_history else "WHEN lacks_playlist THEN 'no playlist'"
        return f"""CASE WHEN row_id IS NULL THEN 'no whole number as row_id' {playlist}
            WHEN lacks_artist AND lacks_track THEN 'neither artist nor track' {moment} END"""
