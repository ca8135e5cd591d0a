"""Parquet files, read where they are: rows, or one row per playlist with lists of its tracks."""

import glob
import re

import duckdb

from rec_assets.core.base.errors import SourceError
from rec_assets.core.base.relations import Connection, read_table, sql_name, sql_text
from rec_assets.core.playlists.readers.columns import Layout, find_columns
from rec_assets.core.playlists.readers.files import SourceFile
from rec_assets.core.playlists.readers.rows import whole_number_sql
from rec_assets.core.playlists.readers.settings import SourceFormat, SourceSettings

_INTEGERS = {f"{sign}{size}" for sign in ("", "U") for size in ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")}
_FLOATS = ("DOUBLE", "FLOAT", "DECIMAL")
_NESTED = ("STRUCT", "MAP", "UNION", "VARIANT")
_LIST = "[]"
_PLACE = "file_row_number"


def inspect(connection: Connection, file: SourceFile, settings: SourceSettings) -> tuple[Layout, str]:
    """The layout of ``file``, and SQL over its rows with all its columns, in which every list is unfolded.

    Raises SourceError: it is in an archive or damaged, or a column that is read holds records or maps.
    """
    if file.member:
        raise SourceError(f"{file} is a parquet file in an archive. Unpack it, and set `source` to the file.")
    try:
        table = read_table(connection, file.path)
    except duckdb.Error as error:
        raise broken_parquet(str(file), error) from error
    types = dict(zip(table.columns, map(str, table.types), strict=True))
    sql = f"""SELECT *, {_PLACE} AS "$place" FROM read_parquet(
        {sql_text(glob.escape(str(file.path)))}, file_row_number=true, hive_partitioning=false)"""
    if any(kind.endswith(_LIST) for kind in types.values()):
        sql, types = _unfolded(connection, file, settings, sql, types)
    found = find_columns(file, list(types), settings.columns, settings.order_column)
    for standard, name in found.own().items():
        if types[name].startswith(_NESTED) or types[name].endswith(_LIST):
            raise SourceError(
                f"{file}: column {name!r} (`{standard}`) is {types[name]}; expected text, a number, a date, or a list "
                "of them. Cast it when you write the file, or name another one in the setting `columns`."
            )
    return Layout(SourceFormat.parquet, found), _as_texts(sql, {s: (n, types[n]) for s, n in found.own().items()})


def _unfolded(
    connection: Connection, file: SourceFile, settings: SourceSettings, sql: str, types: dict[str, str]
) -> tuple[str, dict[str, str]]:
    """``sql`` with a row for each element of the lists that are read; columns of the whole begin with ``playlist.``."""
    elements: dict[str, tuple[str, str, str]] = {}  # by column: the list it is of, SQL of the element's part, type
    for name in (name for name, kind in types.items() if kind.endswith(_LIST)):
        one = connection.sql(f"SELECT unnest({sql_name(name)}) AS one FROM ({sql})")
        if str(one.types[0]).startswith("STRUCT"):
            inside = connection.sql(f"SELECT unnest(one) FROM ({one.sql_query()})")
            for part, kind in zip(inside.columns, map(str, inside.types), strict=True):
                elements[part] = name, f"{sql_name(name)}.{sql_name(part)}", kind
        else:
            elements[name] = name, sql_name(name), str(one.types[0])
    outside = {f"playlist.{name}": name for name, kind in types.items() if not kind.endswith(_LIST)}
    found = find_columns(file, [*outside, *elements], settings.columns, settings.order_column)
    lists = list(dict.fromkeys(elements[name][0] for name in found.own().values() if name in elements))
    inner = [f"{sql_name(name)} AS {sql_name(outer)}" for outer, name in outside.items()]
    inner += [f"unnest({sql_name(name)}) AS {sql_name(name)}" for name in lists]
    unfolded = {name: (part, kind) for name, (of, part, kind) in elements.items() if of in lists}
    fields = [*map(sql_name, outside), *(f"{part} AS {sql_name(name)}" for name, (part, _) in unfolded.items())]
    if "playlist" not in found.by:  # then each row is one
        inner, fields = ['"$place" AS playlist', *inner], ["playlist", *fields]
    whole = f"""SELECT {", ".join(fields)}, row_number() OVER () - 1 AS "$place"
        FROM (SELECT {", ".join(inner)} FROM ({sql}))"""
    own = {outer: types[name] for outer, name in outside.items()} | {name: kind for name, (_, kind) in unfolded.items()}
    return whole, own if "playlist" in found.by else {**own, "playlist": "BIGINT"}


def _as_texts(sql: str, columns: dict[str, tuple[str, str]]) -> str:
    """``line_number, place``, and each of ``columns`` (standard name to name and type) as text, but ``row_id``."""
    fields = {standard: text_sql(sql_name(name), kind) for standard, (name, kind) in columns.items()}
    if "row_id" in columns:
        name, kind = columns["row_id"]
        is_whole = kind in _INTEGERS
        fields["row_id"] = f"TRY_CAST({sql_name(name)} AS BIGINT)" if is_whole else whole_number_sql(fields["row_id"])
    named = "".join(f"{field} AS {standard}, " for standard, field in fields.items())
    return f"""SELECT "$place" + 1 AS line_number, "$place" AS place, {named}
        NULL::VARCHAR AS text, NULL::VARCHAR AS fault FROM ({sql})"""


def text_sql(name: str, kind: str) -> str:
    """SQL for the one text that a scalar has: whole floats without a point, bytes as the UTF-8 that they are."""
    if kind.startswith(_FLOATS):
        whole = f"TRY_CAST({name} AS HUGEINT)"
        return (
            f"CASE WHEN {name} = {whole} THEN {whole}::VARCHAR WHEN NOT isnan({name}::DOUBLE) THEN {name}::VARCHAR END"
        )
    return f"TRY(decode({name}))" if kind == "BLOB" else f"{name}::VARCHAR" if kind != "VARCHAR" else name


def broken_parquet(path: str, error: Exception) -> SourceError:
    """The error for a damaged file, with the first line of what DuckDB says."""
    said = re.sub(r"^[A-Z]\w+ Error: ", "", str(error).splitlines()[0] if str(error) else type(error).__name__)
    return SourceError(
        f"{path} is not a whole parquet file: {said}. Write or download it again, or set `format` if it is another "
        "kind of file."
    )
