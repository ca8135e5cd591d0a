"""The columns of a playlist file, by the names that files have for them; and ``row_id``, one order over all files."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from rec_assets.core.base.errors import SourceError
from rec_assets.core.base.relations import Connection, Relation, fetch_row

# The names under which each column is found by default, the standard name first.
COLUMN_NAMES = {
    "row_id": ("row_id",),
    "user_id": ("user_id",),
    "playlist": ("playlist", "playlistname"),
    "artist": ("artist", "artistname"),
    "track": ("track", "trackname"),
}
REQUIRED_COLUMNS = ("user_id", "playlist", "artist", "track")
_SEPARATORS = set(',;"\t')


def find_columns(path: Path, names: Sequence[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Standard column name to the file's own name, for each column that the file ``path`` with columns ``names`` has.

    ``columns`` is standard column name to the file's name for it, where a user says so. Raises SourceError: a column
    that is required or in ``columns`` is missing, or two columns have the same name.
    """
    candidates = {name: (columns[name],) if name in columns else usual for name, usual in COLUMN_NAMES.items()}
    found = {
        standard: next(name for name in known if name in names)
        for standard, known in candidates.items()
        if not set(known).isdisjoint(names)
    }
    for standard, known in candidates.items():
        if standard not in found and (standard in columns or standard in REQUIRED_COLUMNS):
            raise _missing(path, names, standard, known, found)
    twice = [name for name in found.values() if list(names).count(name) > 1]
    if twice:
        raise SourceError(f"{path} has more than one column {twice[0]!r}. Rename or remove all but one of them.")
    return found


def _missing(
    path: Path, names: Sequence[str], standard: str, known: Sequence[str], found: Mapping[str, str]
) -> SourceError:
    said = (
        f"{path} has no column {' or '.join(map(repr, known))} for `{standard}`; it has {', '.join(map(repr, names))}."
    )
    if any(set(name) & _SEPARATORS for name in names):
        return SourceError(
            f"{said} These are not names: set `format` to the way the file is written, with commas between columns."
        )
    free = next((name for name in names if name not in found.values()), "its name in the file")
    return SourceError(
        f"{said} Name the right one in the setting `columns`, for example columns: {{{standard}: {free}}}; if these "
        "are not its columns, set `format`."
    )


@dataclass(frozen=True)
class FileRows:
    """SQL over the rows of one file, and whether their ``row_id`` is a column of it or their place in it."""

    path: Path
    sql: str
    own_row_ids: bool


@dataclass(frozen=True)
class TextRows:
    """A text file as ``batches`` of ``schema``; ``sql`` over them gives the columns that staging expects."""

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    sql: str
    own_row_ids: bool


def row_id_sql(found: dict[str, str], own: str, place: str) -> str:
    """SQL for ``row_id``: ``own`` text as a whole number, else NULL, if the file has the column; else ``place``."""
    return f"TRY_CAST({own} AS BIGINT)" if "row_id" in found else place


def in_one_order(connection: Connection, parts: list[FileRows]) -> str:
    """SQL over the rows of all ``parts``, no ``row_id`` twice.

    Numbers that are unique over all files are one order and stay as they are, in whichever file a row is. Otherwise
    each file's rows follow those of the file before. Raises SourceError: a file's own numbers are not unique.
    """
    if all(part.own_row_ids for part in parts):
        union = " UNION ALL ".join(f"SELECT row_id FROM ({part.sql})" for part in parts)
        if _is_rising(connection.sql(union)) or not _repeated(connection.sql(union)):
            return " UNION ALL ".join(part.sql for part in parts)
    return " UNION ALL ".join(_one_after_the_other(connection, parts))


def _one_after_the_other(connection: Connection, parts: list[FileRows]) -> list[str]:
    selects, next_row_id = [], 0
    for part in parts:
        row_ids = connection.sql(f"SELECT row_id FROM ({part.sql})")
        repeated = _repeated(row_ids) if part.own_row_ids else None
        if repeated:
            raise SourceError(
                f"{part.path}: `row_id` is {repeated[0]} in {repeated[1]} rows; expected another number in each row. "
                "Number the rows when you write the file, or leave the column out to take the order of the file."
            )
        low, high = fetch_row(row_ids.aggregate("coalesce(min(row_id), 0), coalesce(max(row_id), -1)"))
        selects.append(f"SELECT * REPLACE (row_id - {low} + {next_row_id} AS row_id) FROM ({part.sql})")
        next_row_id += high - low + 1
    return selects


def _repeated(row_ids: Relation) -> tuple[int, int] | None:
    """The least number that occurs more than once, and how often."""
    counted = row_ids.filter("row_id IS NOT NULL").aggregate("row_id, count(*) AS rows", "row_id")
    found = counted.filter("rows > 1").order("row_id").limit(1).fetchall()
    return found[0] if found else None


def _is_rising(row_ids: Relation) -> bool:
    """Whether each is greater than the one before: then they are unique, and no sort or hash is needed."""
    last = None
    for batch in row_ids.to_arrow_reader(1_000_000):
        if batch.column(0).null_count:
            return False
        values = batch.column(0).to_numpy()
        if not (values[1:] > values[:-1]).all() or (last is not None and len(values) and values[0] <= last):
            return False
        last = values[-1] if len(values) else last
    return True
