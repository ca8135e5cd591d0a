"""``row_id``, one order over the rows of all files, and the sessions into which a history is cut."""

from collections.abc import Sequence
from dataclasses import dataclass

from rec_assets.core.base.errors import SourceError
from rec_assets.core.base.relations import Connection, Relation, fetch_row, query
from rec_assets.core.playlists.readers.files import SourceFile
from rec_assets.core.playlists.readers.rows import number_sql, time_sql

_SAMPLE, _WATCHED = 1_000, 200_000
_WIDEST = 2**40  # numbers that lie wider apart are numbered anew
_SECONDS_PER_MINUTE = 60
# Unix times in nanoseconds, microseconds and milliseconds are above these.
_UNITS = ((1e17, 1_000_000_000), (1e14, 1_000_000), (1e11, 1_000))


@dataclass(frozen=True)
class FileRows:
    """SQL over the rows of one file, and whether their ``row_id`` is a column of it or their place in it."""

    file: SourceFile
    sql: str
    own_row_ids: bool


def in_one_order(connection: Connection, parts: Sequence[FileRows]) -> str:
    """SQL over the rows of all ``parts``, no ``row_id`` twice.

    Numbers that are unique over all files are one order and stay as they are, in whichever file a row is. Otherwise
    each file's rows follow those of the file before. Raises SourceError: a file's own numbers are not unique.
    """
    if all(part.own_row_ids for part in parts):
        union = " UNION ALL ".join(f"SELECT row_id FROM ({part.sql})" for part in parts)
        if _is_rising(connection.sql(union)) or not _repeated(connection.sql(union)):
            return " UNION ALL ".join(part.sql for part in parts)
    return " UNION ALL ".join(_one_after_the_other(connection, parts))


def _one_after_the_other(connection: Connection, parts: Sequence[FileRows]) -> list[str]:
    selects, next_row_id = [], 0
    for part in parts:
        row_ids = connection.sql(f"SELECT row_id FROM ({part.sql})")
        repeated = _repeated(row_ids) if part.own_row_ids else None
        if repeated:
            raise SourceError(
                f"{part.file}: `row_id` is {repeated[0]} in {repeated[1]} rows; expected another number in each row. "
                "Number the rows when you write the file, or leave the column out to take the order of the file."
            )
        low, high, count = fetch_row(
            row_ids.aggregate("coalesce(min(row_id), 0), coalesce(max(row_id), -1), count(row_id)")
        )
        is_wide = high - low >= _WIDEST
        number = f"row_id - ({low}) + {next_row_id}"
        if is_wide:
            dense = "row_number() OVER (ORDER BY row_id NULLS LAST)"
            number = f"CASE WHEN row_id IS NOT NULL THEN {dense} - 1 + {next_row_id} END"
        selects.append(f"SELECT * REPLACE ({number} AS row_id) FROM ({part.sql})")
        next_row_id += count if is_wide else high - low + 1
    return selects


def _repeated(row_ids: Relation) -> tuple[int, int] | None:
    """The least number that occurs more than once, and how often."""
    counted = row_ids.filter("row_id IS NOT NULL").aggregate("row_id, count(*) AS rows", "row_id")
    found = counted.filter("rows > 1").order("row_id").limit(1).fetchall()
    return found[0] if found else None


def _is_rising(row_ids: Relation) -> bool:
    """Whether each is greater than the one before: then they are unique, and no sort or hash is needed."""
    found = query(
        row_ids,
        "ids",
        "SELECT bool_and(before IS NULL OR row_id > before) AND count(*) = count(row_id)"
        " FROM (SELECT row_id, lag(row_id) OVER () AS before FROM ids)",
    )
    return fetch_row(found)[0] is not False


def moment_sql(rows: Relation, text: str) -> str:
    """SQL for column ``text`` of ``rows`` as one number: what most of its first values are, a number or a time."""
    first = query(rows.limit(_SAMPLE), "head", f"SELECT {text} FROM head WHERE {text} IS NOT NULL")
    numbers, times = fetch_row(first.aggregate(f"count({number_sql(text)}), count({time_sql(text)})"))
    return number_sql(text) if numbers >= times else time_sql(text)


def runs_against(rows: Relation) -> bool:
    """Whether ``moment`` mostly falls from row to row of a playlist of ``rows``, or goes up and down."""
    falls, rises = fetch_row(
        query(
            rows.limit(_WATCHED),
            "head",
            """SELECT count(*) FILTER (moment < before), count(*) FILTER (moment > before) FROM (
                SELECT moment, lag(moment) OVER last AS before, user_id IS NOT DISTINCT FROM lag(user_id) OVER last
                    AND playlist IS NOT DISTINCT FROM lag(playlist) OVER last AS is_same
                FROM head WINDOW last AS ()) WHERE is_same""",
        )
    )
    return falls > 1 and falls > rises / 2


def by_moment(rows: Relation, *, falls: bool) -> Relation:
    """``rows`` numbered anew by their ``moment``, ties by their place in the files."""
    way = "DESC" if falls else "ASC"
    number = f"row_number() OVER (ORDER BY moment {way}, file_number, line_number) - 1"
    return query(rows, "rows", f"SELECT * REPLACE ({number} AS row_id) FROM rows")


def into_sessions(rows: Relation, minutes: float) -> Relation:
    """``rows`` with a new playlist after each ``minutes`` without a play, named after its first play.

    ``moment`` is a Unix time in seconds, or in a thousandth, millionth or billionth of them, as its size tells.
    """
    (largest,) = fetch_row(rows.aggregate("coalesce(max(abs(moment)), 0)::DOUBLE"))
    unit = next((unit for least, unit in _UNITS if largest > least), 1)
    gap = minutes * _SECONDS_PER_MINUTE * unit
    begin = f"strftime(make_timestamp((session / {unit} * 1000000)::BIGINT), '%Y-%m-%d %H:%M:%S')"
    return query(
        rows,
        "rows",
        f"""
        WITH marked AS (
            SELECT *, CASE WHEN moment - lag(moment) OVER history <= {gap} THEN NULL ELSE moment END AS opened FROM rows
            WINDOW history AS (PARTITION BY user_id, playlist ORDER BY moment, row_id)
        ), begun AS (
            SELECT *, max(opened) OVER (PARTITION BY user_id, playlist ORDER BY moment, row_id) AS session FROM marked
        )
        SELECT * EXCLUDE (opened, session) REPLACE (concat_ws(' ', playlist, {begin}) AS playlist) FROM begun""",
    )
