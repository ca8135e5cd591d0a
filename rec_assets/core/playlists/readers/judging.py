"""Which rows of a source are rejects, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rec_assets.core.base.errors import SourceError
from rec_assets.core.base.relations import Connection, Relation, count_rows, query, stored
from rec_assets.core.playlists.readers.files import SourceFile, name_files
from rec_assets.core.playlists.readers.parts import by_number


@dataclass(frozen=True)
class Judged:
    """Good ``rows``, ``rejects`` (``source_file, line_number, text, reason``), and how many there are of both."""

    rows: Relation
    rejects: Relation
    row_count: int
    reject_count: int


def judge(
    connection: Connection,
    everything: Relation,
    files: Sequence[SourceFile],
    user_files: Sequence[int],
    reason: str,
    target: Path,
) -> Judged:
    """Divide ``everything`` into rows and rejects, which are kept in ``target``.

    A row is a reject where it has a ``fault``, where ``reason`` (SQL) says so, or where it has no user and others of
    its file, one of ``user_files``, have one. Raises SourceError: there is no row at all.
    """
    # Finding them reads every row.
    candidates = stored(connection, _candidates(everything, files, user_files, reason), target)
    # The greatest row_id is not used: it makes DuckDB read that column too, so that damage shows here.
    counted = everything.aggregate("file_number, count(*), max(row_id)", "file_number").fetchall()
    totals = {number: count for number, count, _ in counted}
    if not totals:
        raise SourceError(
            f"{name_files(files)}: no row after the header; expected rows of playlists. Write or download the data "
            "again, or set `source` to another file."
        )
    without = dict(candidates.aggregate("file_number, count(*) FILTER (lacks_user_id)", "file_number").fetchall())
    # A file none of whose rows names a user is one without users.
    with_users = [number for number in user_files if without.get(number, 0) < totals.get(number, 0)]
    lacks_user = f"(lacks_user_id AND file_number IN ({_listed(with_users)}))"
    rejected = candidates.filter(f"fault IS NOT NULL OR {lacks_user} OR reason IS NOT NULL")
    rejects = rejected.select(
        f"source_file, line_number, text, coalesce(fault, CASE WHEN {lacks_user} THEN 'no user' END, reason) AS reason"
    )
    reject_count = count_rows(rejects)
    # Without rejects no row is judged again, and not by a join, whose rows come in any order.
    good = f"fault IS NULL AND NOT {lacks_user} AND {reason} IS NULL" if reject_count else "true"
    rows = everything.filter(good)
    return Judged(rows, rejects, sum(totals.values()) - reject_count, reject_count)


def _candidates(everything: Relation, files: Sequence[SourceFile], user_files: Sequence[int], reason: str) -> Relation:
    """Rows that may be rejects."""
    return query(
        everything,
        "everything",
        f"""SELECT file_number, {by_number([file.name for file in files])} AS source_file, line_number,
                coalesce(text, concat_ws(' | ', user_id, playlist, artist, track)) AS text,
                fault, {reason} AS reason, lacks_user_id
            FROM everything WHERE fault IS NOT NULL OR {reason} IS NOT NULL
                OR (lacks_user_id AND file_number IN ({_listed(user_files)}))""",
    )


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers)) or "-1"
