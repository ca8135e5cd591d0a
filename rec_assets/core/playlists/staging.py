"""Read every file of a source once: rows that can be placed in a playlist, and rejects with their reason."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from rec_assets.core.errors import SourceError
from rec_assets.core.playlists.parquet import read_parquet_sql
from rec_assets.core.playlists.plain_csv import read_csv_sql, write_refused_lines
from rec_assets.core.playlists.sources import PlaylistSource, SourceFormat, detect_format, locate_files
from rec_assets.core.playlists.unescaped_csv import line_reader, split_fields_sql
from rec_assets.core.relations import Connection, Relation, fetch_row, query, sql_paths, sql_text


@dataclass(frozen=True)
class StagedPlaylists:
    """A source that was read.

    Attributes:
        rows: ``row_id, user_id, playlist, artist, track``; empty text is NULL.
        rejects: ``source_file, line_number, text, reason``.
        row_count: number of rows.
        reject_count: number of rejects, in lines of text.
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


def stage_playlists(connection: Connection, source: PlaylistSource, folder: Path) -> StagedPlaylists:
    """Read ``source``; text is parsed once, into parquet files in ``folder``, and parquet stays where it is.

    Rows keep the order of the files and of the lines in them; ``row_id`` grows with both.

    Raises:
        SourceError: a file is missing, empty, of another format or encoding, or lacks a column.
    """
    files = locate_files(source.location)
    selects: list[str] = []
    next_row_id = 0
    for number, path in enumerate(files):
        select = _read_file(connection, source, path, folder / f"staged-{number:05d}.parquet")
        selects.append(f"SELECT * REPLACE (row_id + {next_row_id} AS row_id) FROM ({select})")
        if number + 1 < len(files):
            (last,) = fetch_row(connection.sql(f"SELECT coalesce(max(row_id), -1) FROM ({select})"))
            next_row_id += last + 1
    return _part(connection, " UNION ALL ".join(selects), files)


def _read_file(connection: Connection, source: PlaylistSource, path: Path, staged: Path) -> str:
    """SQL over the rows of one file, refused lines among them with their fault."""
    columns = dict(source.columns)
    match detect_format(path, source.format):
        case SourceFormat.parquet:
            return read_parquet_sql(connection, path, columns)
        case SourceFormat.unescaped_csv:
            lines = connection.from_arrow(line_reader(path))
            _copy(query(lines, "lines", split_fields_sql(path, columns, "lines")), path, staged)
            return f"SELECT * FROM read_parquet({sql_paths([staged])})"
        case _:
            _copy(connection.sql(read_csv_sql(path, columns, staged.parent)), path, staged)
            refused = staged.with_suffix(".refused.parquet")
            write_refused_lines(connection, path, refused)
            return f"SELECT * FROM read_parquet({sql_paths([staged, refused])}, union_by_name=true)"


def _copy(relation: Relation, path: Path, staged: Path) -> None:
    try:
        # A reject carries its line; the millions of good ones need not.
        relation.query(
            "parsed",
            f"""COPY (SELECT * REPLACE (CASE WHEN {_REASON} IS NOT NULL THEN text END AS text) FROM parsed)
                TO {sql_text(str(staged))} (FORMAT parquet)""",
        )
    except duckdb.InvalidInputException as error:
        raise SourceError(f"{path} cannot be read: {error}") from error


_REASON = """coalesce(fault,
    CASE WHEN nullif(user_id, '') IS NULL THEN 'no user'
         WHEN nullif(playlist, '') IS NULL THEN 'no playlist'
         WHEN nullif(artist, '') IS NULL AND nullif(track, '') IS NULL THEN 'neither artist nor track' END)"""


def _part(connection: Connection, select: str, files: list[Path]) -> StagedPlaylists:
    everything = connection.sql(select)
    rows = query(
        everything,
        "everything",
        f"""SELECT row_id, user_id, playlist, nullif(artist, '') AS artist, nullif(track, '') AS track
            FROM everything WHERE {_REASON} IS NULL""",
    )
    rejects = query(
        everything,
        "everything",
        f"""SELECT source_file, line_number,
                coalesce(text, concat_ws(' | ', user_id, playlist, artist, track)) AS text, {_REASON} AS reason
            FROM everything WHERE {_REASON} IS NOT NULL ORDER BY source_file, line_number""",
    )
    row_count, reject_count = fetch_row(
        everything.aggregate(f"count(*) FILTER ({_REASON} IS NULL), count(*) FILTER ({_REASON} IS NOT NULL)")
    )
    if row_count + reject_count == 0:
        raise SourceError(f"{', '.join(map(str, files))}: a header, but no row after it; expected rows of playlists.")
    return StagedPlaylists(rows, rejects, row_count, reject_count, files)
