"""The IO manager: asset values to files and back, by their type."""

from typing import Any

import dagster as dg

from rec_assets.core.base.lineage import Lineage
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.retries import retry_transient
from rec_assets.store.written import DescribedTable

LINEAGE_METADATA = "lineage"


class StoreIOManager(dg.IOManager):
    """Hands values between steps through the store."""

    def __init__(self, store: AssetStore) -> None:
        self._store = store

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write the value with its lineage; describe in metadata what now lies in the file."""
        lineage = Lineage(**context.output_metadata[LINEAGE_METADATA].value)
        table = obj if isinstance(obj, DescribedTable) else None
        value, describe = (table.relation, table.describe) if table else (obj, None)
        with retry_transient():
            written = self._store.write(context.asset_key.path[-1], value, lineage, describe)
            # Only now: had the table not been stored, the old one would stand beside what belongs to the new one.
            for name, relation in (table.beside if table else {}).items():
                self._store.write(name, relation, lineage)
        context.add_output_metadata(written)

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
