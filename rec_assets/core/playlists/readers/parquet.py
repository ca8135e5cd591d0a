"""Playlists in parquet: the tutorial's cleaned file, or any file with mapped columns."""

import glob
from pathlib import Path

import duckdb

from rec_assets.core.base.errors import SourceError
from rec_assets.core.base.relations import Connection, read_table, sql_name, sql_text
from rec_assets.core.playlists.readers.columns import REQUIRED_COLUMNS, find_columns
from rec_assets.core.playlists.readers.row_ids import FileRows
from rec_assets.core.playlists.readers.text_files import readable

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

    Without a ``row_id`` the rows are numbered in the order of the file.

    Raises:
        SourceError: not a whole parquet file, a missing column, or one of another type.
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
