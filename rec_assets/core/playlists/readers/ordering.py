"""``row_id``, one order over the rows of all files, and the sessions into which a history is cut."""

from collections.abc import Sequence
from pathlib import Path

from rec_assets.core.base.errors import SourceError
from rec_assets.core.base.relations import Connection, Relation, fetch_row, query, stored
from rec_assets.core.playlists.readers.files import SourceFile
from rec_assets.core.playlists.readers.rows import number_sql, time_sql
from rec_assets.core.playlists.times import unit_of

_SAMPLE, _WATCHED = 1_000, 200_000
_WIDEST = 2**40  # numbers that lie wider apart are numbered anew
_SECONDS_PER_MINUTE = 60


def in_one_order(rows: Relation, files: Sequence[SourceFile], own: Sequence[int]) -> Relation:
    """``rows`` with a ``row_id`` that no two share; ``own`` are the numbers of the files that have it as a column.

    Numbers that are unique over all files are one order and stay as they are, in whichever file a row is. Otherwise
    each file's rows follow those of the file before. Raises SourceError: a file's own numbers are not unique.
    """
    if len(own) == len(files):
        if _is_rising(rows) or not _repeated(rows, "row_id"):
            return rows
    elif len(files) == 1:
        return rows
    repeated = _repeated(rows.filter(f"file_number IN ({', '.join(map(str, own)) or -1})"), "file_number, row_id")
    if repeated:
        file_number, row_id, times = repeated
        raise SourceError(
            f"{files[file_number]}: `row_id` is {row_id} in {times} rows; expected another number in each row. Number "
            "the rows when you write the file, or leave the column out to take the order of the file."
        )
    return _file_by_file(rows, files)


def _file_by_file(rows: Relation, files: Sequence[SourceFile]) -> Relation:
    least, greatest = "coalesce(min(row_id), 0)", "coalesce(max(row_id), -1)"
    spans = rows.aggregate(f"file_number, {least}, {greatest}", "file_number").fetchall()
    if any(high - low >= _WIDEST for _, low, high in spans):
        number = "row_number() OVER (ORDER BY file_number, row_id) - 1"
        number = f"CASE WHEN row_id IS NOT NULL THEN {number} END"
        return query(rows, "rows", f"SELECT * REPLACE ({number} AS row_id) FROM rows ORDER BY file_number, place")
    starts, next_row_id = [0] * len(files), 0
    for file_number, low, high in sorted(spans):
        starts[file_number] = next_row_id - low
        next_row_id += high - low + 1
    # Not by a join, whose rows come in any order.
    return query(rows, "rows", f"SELECT * REPLACE (row_id + {starts}[file_number + 1] AS row_id) FROM rows")


def _repeated(rows: Relation, key: str) -> tuple | None:
    """The least ``key`` that occurs more than once, and how often."""
    counted = rows.filter("row_id IS NOT NULL").aggregate(f"{key}, count(*) AS times", key)
    found = counted.filter("times > 1").order(key).limit(1).fetchall()
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


def by_moment(connection: Connection, rows: Relation, target: Path, *, falls: bool) -> Relation:
    """``rows`` in the order of their ``moment``, ties by their place in the files, and numbered so."""
    way = "DESC" if falls else "ASC"
    ordered = stored(connection, rows.order(f"moment {way}, file_number, place"), target)
    return query(ordered, "ordered", "SELECT * REPLACE (row_number() OVER () - 1 AS row_id) FROM ordered")


def into_sessions(connection: Connection, rows: Relation, minutes: float, target: Path, *, falls: bool) -> Relation:
    """``rows`` with a new playlist after each ``minutes`` without a play, named after its first play, and numbered as
    by :func:`by_moment` within each playlist.

    ``moment`` is a Unix time in seconds, or in a thousandth, millionth or billionth of them, as its size tells.
    """
    largest, count = fetch_row(rows.aggregate("coalesce(max(abs(moment)), 0)::DOUBLE, count(*)"))
    unit = unit_of(largest)
    gap = minutes * _SECONDS_PER_MINUTE * unit
    way = "DESC" if falls else "ASC"
    # Stored, as each sort in a longer query would need its own share of memory. Windows over rows in order need none.
    ordered = stored(connection, rows.order(f"user_id, playlist, moment, file_number {way}, place {way}"), target)
    row_id = f"{count} - number" if falls else "number - 1"
    begin = f"strftime(make_timestamp((session / {unit} * 1000000)::BIGINT), '%Y-%m-%d %H:%M:%S')"
    numbered = query(
        ordered,
        "ordered",
        f"""
        WITH told AS (
            SELECT *, row_number() OVER () AS number, moment - lag(moment) OVER () <= {gap}
                AND user_id IS NOT DISTINCT FROM lag(user_id) OVER ()
                AND playlist IS NOT DISTINCT FROM lag(playlist) OVER () AS goes_on
            FROM ordered
        ), begun AS (
            SELECT *, arg_max(moment, number) FILTER (goes_on IS NOT TRUE)
                OVER (ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS session
            FROM told
        )
        SELECT * EXCLUDE (number, goes_on, session)
            REPLACE (concat_ws(' ', playlist, {begin}) AS playlist, {row_id} AS row_id)
        FROM begun""",
    )
    return numbered.order("row_id") if falls else numbered
