"""One DuckDB connection per process: lazy relations can be joined on one connection object only."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import duckdb
from dagster_duckdb import DuckDBResource
from pydantic import Field, PrivateAttr

from rec_assets.core.base.errors import SettingsError
from rec_assets.core.base.memory import share_heaps
from rec_assets.core.base.relations import Connection
from rec_assets.store.temporary import ScratchFolder


class SharedDuckDB(DuckDBResource):
    """DuckDB in memory, with a limit beyond which it spills to disk.

    ``DuckDBResource`` opens and closes a connection per block; this one opens the connection once and
    keeps it, because an asset returns a relation that the IO manager runs later.
    """

    database: str = Field(default=":memory:", description="Tables are exchanged as parquet, not in a database file.")
    memory_limit: str = Field(default="400MB", description="What DuckDB may use before it spills to disk.")
    threads: int = Field(default=0, ge=0, description="Threads of DuckDB; 0 = one per core.")
    spill_folder: str = Field(default="", description="Where it spills; empty = a folder for temporary files.")

    _opened: tuple[Connection, ScratchFolder] | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Open the connection when a process starts its first step."""
        self.connect()

    def connect(self) -> Connection:
        """The connection of this process, opened at the first call.

        Raises SettingsError: DuckDB refuses ``memory_limit``, or the spill folder cannot be made.
        """
        return self._open()[0]

    @property
    def scratch_folder(self) -> Path:
        """A folder for files that nobody needs after this process."""
        return self._open()[1].path

    def _open(self) -> tuple[Connection, ScratchFolder]:
        if self._opened is None:
            share_heaps(available_cores())
            try:
                folder = ScratchFolder(self.spill_folder)
                options: dict[str, str | bool | int | float | list[str]] = {
                    "memory_limit": self.memory_limit,
                    "threads": self.threads or available_cores(),
                    "temp_directory": str(folder.path / "spill"),
                    # Rows keep their order from file to file; written bytes depend on it.
                    "preserve_insertion_order": True,
                }
                self._opened = duckdb.connect(self.database, config=options), folder
            except (duckdb.Error, OSError) as error:
                raise SettingsError(
                    f"DuckDB cannot start with memory_limit={self.memory_limit!r} (REC_ASSETS_MEMORY_LIMIT), "
                    f"threads={self.threads} (REC_ASSETS_DUCKDB_THREADS), spill_folder={self.spill_folder!r}: {error}"
                ) from error
        return self._opened

    def give_back(self) -> None:
        """Hand memory that DuckDB has freed, and keeps for later, back to the system.

        It does so when a limit is set, and only then: 300 MB of 12.9 million rows, whatever its allocator's settings.
        """
        limit = self.memory_limit.replace("'", "''")
        with self.connect().cursor() as cursor:
            cursor.execute(f"SET memory_limit = '{limit}'")

    @contextmanager
    def get_connection(self) -> Iterator[Connection]:
        """The shared connection; it stays open after the block."""
        yield self.connect()

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """Close the connection and remove what it spilled."""
        if self._opened is not None:
            connection, folder = self._opened
            connection.close()
            folder.close()
            self._opened = None


def available_cores() -> int:
    """The cores that this process may use; on macOS all cores of the machine."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
