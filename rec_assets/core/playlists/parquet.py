"""Playlists in parquet: the tutorial's cleaned file, or any file with mapped columns."""

import glob
from pathlib import Path

import duckdb

from rec_assets.core.errors import SourceError
from rec_assets.core.playlists.columns import REQUIRED_COLUMNS, find_columns
from rec_assets.core.playlists.text_files import readable
from rec_assets.core.relations import Connection, Relation, sql_name, sql_text

_INTEGERS = {f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT")}
# A number may identify a user or a playlist; a name is text.
_EXPECTED = {
    "row_id": (_INTEGERS, "a whole number (BIGINT)"),
    "user_id": ({"VARCHAR"} | _INTEGERS, "text (VARCHAR) or a whole number"),
    "playlist": ({"VARCHAR"} | _INTEGERS, "text (VARCHAR) or a whole number"),
    "artist": ({"VARCHAR"}, "text (VARCHAR)"),
    "track": ({"VARCHAR"}, "text (VARCHAR)"),
}


def read_parquet_sql(connection: Connection, path: Path, columns: dict[str, str]) -> str:
    """SQL that reads ``path`` into the columns that staging expects, lazily.

    Without a ``row_id`` the rows are numbered in the order in which they stand in the file.

    Raises:
        SourceError: not a whole parquet file, a missing column, one of another type, or a ``row_id`` that occurs twice.
    """
    with readable(path), path.open("rb"):
        pass  # a file that may not be read is no broken one
    try:
        # A folder named "artist=…" is no column: the files say what is in them.
        relation = connection.read_parquet(glob.escape(str(path)), hive_partitioning=False)
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
    if "row_id" in found:
        _require_unique(relation, path, found["row_id"])
    fields = ", ".join(f"{sql_name(found[standard])}::VARCHAR AS {standard}" for standard in REQUIRED_COLUMNS)
    row_id = f"{sql_name(found['row_id'])}::BIGINT" if "row_id" in found else "file_row_number"
    return f"""
        SELECT {row_id} AS row_id, {fields}, {sql_text(path.name)} AS source_file,
            file_row_number + 1 AS line_number,
            NULL::VARCHAR AS text, NULL::VARCHAR AS fault
        FROM read_parquet({sql_text(glob.escape(str(path)))}, file_row_number=true, hive_partitioning=false)"""


def _require_unique(relation: Relation, path: Path, name: str) -> None:
    """The order of rows, and their identity downstream, rest on ``row_id``."""
    row_ids = relation.select(sql_name(name))
    if _is_rising(row_ids):
        return
    repeated = row_ids.aggregate(f"{sql_name(name)} AS row_id, count(*) AS rows", sql_name(name))
    found = repeated.filter("row_id IS NOT NULL AND rows > 1").order("row_id").limit(1).fetchall()
    if found:
        raise SourceError(
            f"{path}: column {name!r} (`row_id`) holds {found[0][0]} in {found[0][1]} rows; expected another number in "
            "each row. Number the rows when you write the file, or leave the column out to take the order of the file."
        )


def _is_rising(row_ids: Relation) -> bool:
    """Whether each is greater than the one before; then they are unique, without a look at all of them at once."""
    last = None
    for batch in row_ids.to_arrow_reader(1_000_000):
        if batch.column(0).null_count:
            return False
        values = batch.column(0).to_numpy()
        if not (values[1:] > values[:-1]).all() or (last is not None and values[0] <= last):
            return False
        last = values[-1]
    return True


def broken_parquet(path: str, error: duckdb.Error) -> SourceError:
    """The error for what DuckDB says about a damaged file, shortly."""
    return SourceError(
        f"{path} is not a whole parquet file: {str(error).splitlines()[0]}. Write or download it again, or set "
        "`format` if it is another kind of file."
    )
