"""Lazy DuckDB relations: the type that tables have in this package, and safe SQL literals."""

import glob
from pathlib import Path

from duckdb import DuckDBPyConnection, DuckDBPyRelation

Connection = DuckDBPyConnection
Relation = DuckDBPyRelation


def sql_text(value: str) -> str:
    """``value`` as an SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def sql_name(value: str) -> str:
    """``value`` as an SQL identifier."""
    return '"' + value.replace('"', '""') + '"'


def read_table(connection: Connection, path: Path | str) -> Relation:
    """A lazy relation over one parquet file, whatever it and the folders above it are called.

    To DuckDB ``[`` and ``*`` in a path are a pattern, and a folder named ``artist=x`` is a column.
    """
    return connection.read_parquet(glob.escape(str(path)), hive_partitioning=False)


def query(relation: Relation, name: str, sql: str) -> Relation:
    """``sql`` over ``relation``, which it calls ``name``; lazy.

    Raises:
        TypeError: ``sql`` is a statement without rows.
    """
    result = relation.query(name, sql)
    if result is None:
        raise TypeError("expected a query that gives rows")
    return result


def fetch_row(relation: Relation) -> tuple:
    """The only row of ``relation``, which is run once.

    Raises:
        LookupError: there is not exactly one row.
    """
    rows = relation.fetchall()
    if len(rows) != 1:
        raise LookupError(f"expected one row, found {len(rows)}")
    return rows[0]


def count_rows(relation: Relation) -> int:
    """How many rows ``relation`` has; it is run once."""
    return fetch_row(relation.aggregate("count(*)"))[0]
