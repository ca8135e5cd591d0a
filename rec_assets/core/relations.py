"""Lazy DuckDB relations: the type that tables have in this package, and safe SQL literals."""

from duckdb import DuckDBPyConnection, DuckDBPyRelation

Connection = DuckDBPyConnection
Relation = DuckDBPyRelation


def sql_text(value: str) -> str:
    """``value`` as an SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def sql_name(value: str) -> str:
    """``value`` as an SQL identifier."""
    return '"' + value.replace('"', '""') + '"'


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
