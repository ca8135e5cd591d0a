"""The IO manager: asset values to files and back, by their type; retries of what may pass; errors for the run page."""

import errno
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
from dagster._core.errors import DagsterUserCodeProcessError
from dagster._utils.error import serializable_error_info_from_exc_info

from rec_assets.core.base.errors import DataError, RecAssetsError
from rec_assets.core.base.lineage import Lineage
from rec_assets.core.base.memory import give_back
from rec_assets.core.base.relations import Relation, full_disk_explained
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.written import DescribedTable

LINEAGE_METADATA = "lineage"
COLUMN_SCHEMA = "dagster/column_schema"
OPTIONAL = "optional"  # a constraint of columns that a table has only where there is something to put into them
MAX_RETRIES = 2
SECONDS_TO_WAIT = 5.0
# Faults of disks and networks that may pass by themselves; a missing file or a full disk does not.
_TRANSIENT_ERRNOS = {
    errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE,
    errno.ECONNRESET, errno.ECONNREFUSED, errno.ECONNABORTED, errno.EPIPE, errno.EHOSTUNREACH, errno.ENETUNREACH,
}  # fmt: skip


@contextmanager
def explaining() -> Iterator[None]:
    """Raises errors of ours again in a form in which the run page shows the message first, and then the stack.

    They stay of their class. Of any other error that a step raises, Dagster shows its own words and stack first.
    """
    try:
        yield
    except RecAssetsError as error:
        if isinstance(error, DagsterUserCodeProcessError):
            raise
        shown = serializable_error_info_from_exc_info(sys.exc_info())._replace(message=f"{error}\n")
        kind = type(type(error).__name__, (DagsterUserCodeProcessError, type(error)), {})
        raise kind(str(error), user_code_process_error_infos=[shown]) from error


class StoreIOManager(dg.IOManager):
    """Hands values between steps through the store."""

    def __init__(self, store: AssetStore) -> None:
        self._store = store

    @explaining()
    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write the value with its lineage; describe in metadata what is now in the file."""
        lineage = Lineage(**context.output_metadata[LINEAGE_METADATA].value)
        table = obj if isinstance(obj, DescribedTable) else None
        value: Any = table.relation if table else obj
        describe = table.describe if table else None
        if schema := context.definition_metadata.get(COLUMN_SCHEMA):
            require_columns(context.asset_key.path[-1], value, schema)
        with retry_transient():
            written = self._store.write(context.asset_key.path[-1], value, lineage, describe)
            # Only now: had the table not been stored, the old one would stand beside what belongs to the new one.
            for name, relation in (table.beside if table else {}).items():
                self._store.write(name, relation, lineage)
        context.add_output_metadata(written)
        self._store.duckdb.give_back()
        give_back()

    @explaining()
    def load_input(self, context: dg.InputContext) -> Any:
        """Read the value that the downstream asset's annotation asks for."""
        with retry_transient():
            return self._store.read(context.asset_key.path[-1], context.dagster_type.typing_type)


class StoreIOManagerFactory(dg.ConfigurableIOManagerFactory[StoreIOManager]):
    """Configuration of :class:`StoreIOManager`, apart from it."""

    store: AssetStore

    def create_io_manager(self, context: dg.InitResourceContext) -> StoreIOManager:
        """The IO manager of this process."""
        return StoreIOManager(self.store)


def require_columns(name: str, table: Relation, schema: dg.TableSchema) -> None:
    """Raise DataError unless ``table``, of asset ``name``, has exactly the columns that its ``schema`` promises.

    Columns that are OPTIONAL may be missing.
    """
    found = dict(zip(table.columns, map(str, table.types), strict=True))
    promised = [one for one in schema.columns if one.name in found or OPTIONAL not in one.constraints.other]
    expected = {column.name: column.type for column in promised}
    if list(found.items()) != list(expected.items()):
        raise DataError(
            f"{name} was not stored: its columns are {_listed(found)}; its schema says {_listed(expected)}. "
            "Make the asset and its schema agree."
        )


def _listed(columns: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {type_}" for name, type_ in columns.items())


@contextmanager
def retry_transient() -> Iterator[None]:
    """Ask Dagster to run the step again if the block fails for a reason that may pass.

    A ``RetryPolicy`` would retry every error, a wrong setting among them.
    """
    try:
        yield
    except (OSError, duckdb.IOException) as error:
        if not is_transient(error):
            raise
        raise dg.RetryRequested(max_retries=MAX_RETRIES, seconds_to_wait=SECONDS_TO_WAIT) from error


@contextmanager
def running_sql(spill_folder: Path) -> Iterator[None]:
    """For what a step asks DuckDB for itself: the same errors and retries as where the store writes its tables."""
    with retry_transient(), full_disk_explained(spill_folder):
        yield


def is_transient(error: Exception) -> bool:
    """Whether the same step may succeed a little later."""
    if isinstance(error, (TimeoutError, ConnectionError)):
        return True
    if isinstance(error, duckdb.IOException):  # it has no number, only the system's words for one
        return any(os.strerror(number) in str(error) for number in _TRANSIENT_ERRNOS)
    return isinstance(error, OSError) and error.errno in _TRANSIENT_ERRNOS
