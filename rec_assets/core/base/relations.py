"""Lazy DuckDB relations, the type of tables in this package, safe SQL literals, and hashes."""

import errno
import glob
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from duckdb import DuckDBPyConnection, DuckDBPyRelation

from rec_assets.core.base.errors import StoreError

Connection = DuckDBPyConnection
Relation = DuckDBPyRelation

# 128 bits in place of (artist, track), of which an empty one is NULL, and a value like others. Grouping and joining by
# them is three times as fast as by name, in less memory (12.9M rows, 2.6M tracks). Nothing of the engine's hash
# outlives a query.
TRACK_KEYS = "hash(artist, track) AS key, hash(track, artist) AS other_key"


def sql_text(value: str) -> str:
    """``value`` as an SQL string literal."""
    return "'" + value.replace("'", "''") + "'"


def sql_name(value: str) -> str:
    """``value`` as an SQL identifier."""
    return '"' + value.replace('"', '""') + '"'


def connect_spilling(memory_limit: str, folder: Path) -> Connection:
    """A connection of its own, in memory up to ``memory_limit``, such as "400MB", and beyond it in ``folder``."""
    connection = duckdb.connect(config={"memory_limit": memory_limit, "temp_directory": str(folder)})
    connection.execute("SET enable_progress_bar = false")
    return connection


def read_table(connection: Connection, *paths: Path | str) -> Relation:
    """A lazy relation over parquet files; DuckDB itself takes ``[`` for a pattern, ``artist=x/`` for a column."""
    return connection.read_parquet([glob.escape(str(path)) for path in paths], hive_partitioning=False)


def stored(connection: Connection, relation: Relation, path: Path) -> Relation:
    """``relation``, run once and kept in a parquet file at ``path``: for what is used several times, or sorted.

    Raises StoreError: no space.
    """
    with full_disk_explained(path.parent):
        relation.to_parquet(str(path))
    return read_table(connection, path)


@contextmanager
def full_disk_explained(folder: Path) -> Iterator[None]:
    """Says what to do where DuckDB finds no space for temporary files, which are in ``folder``. Raises StoreError."""
    try:
        yield
    except duckdb.IOException as error:
        if os.strerror(errno.ENOSPC) not in str(error):
            raise
        raise StoreError(
            f"no space left in {folder} for temporary files. Free some space, or set the environment variable "
            "TMPDIR to a folder on a larger disk."
        ) from error


def query(relation: Relation, name: str, sql: str) -> Relation:
    """``sql``, a query that returns rows, over ``relation``, which it calls ``name``; lazy."""
    return relation.query(name, sql)  # pyright: ignore[reportReturnType]  # None only for other statements


def fetch_row(relation: Relation) -> tuple:
    """The only row of ``relation``, which is run once."""
    (row,) = relation.fetchall()
    return row


def count_rows(relation: Relation) -> int:
    """How many rows ``relation`` has; it is run once."""
    return fetch_row(relation.aggregate("count(*)"))[0]


def playlist_draw_sql(*, seed: int, purpose: str = "") -> str:
    """SQL for a 64-bit hash of ``user_id`` and ``playlist``: the same on every machine, thread count and version.

    Two playlists may have the same one. Another ``purpose`` makes the draw independent of one with the same seed. MD5
    is here for its stability alone: the engine's own ``hash()`` may change between versions.
    """
    return f"md5_number_lower(coalesce(user_id, '') || '-' || playlist || {sql_text(f'{purpose}{seed}')})"
