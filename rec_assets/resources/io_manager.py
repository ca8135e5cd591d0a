"""The IO manager: asset values to files and back, by their type."""

from typing import Any

import dagster as dg

from rec_assets.core.lineage import Lineage
from rec_assets.resources.retries import retry_transient
from rec_assets.resources.store import AssetStore, stored_name
from rec_assets.resources.written import DescribedTable

LINEAGE_METADATA = "lineage"


class StoreIOManager(dg.IOManager):
    """Hands values between steps through the store."""

    def __init__(self, store: AssetStore) -> None:
        self._store = store

    def handle_output(self, context: dg.OutputContext, obj: Any) -> None:
        """Write the value with its lineage; describe in metadata what now lies in the file."""
        lineage = Lineage(**context.output_metadata[LINEAGE_METADATA].value)
        value, describe = (obj.relation, obj.describe) if isinstance(obj, DescribedTable) else (obj, None)
        with retry_transient():
            written = self._store.write(_name(context), value, lineage, describe)
        context.add_output_metadata(written)

    def load_input(self, context: dg.InputContext) -> Any:
        """Read the value that the downstream asset's annotation asks for."""
        with retry_transient():
            return self._store.read(_name(context), context.dagster_type.typing_type)


def _name(context: dg.OutputContext | dg.InputContext) -> str:
    partition = context.asset_partition_key if context.has_asset_partitions else None
    return stored_name(context.asset_key.path[-1], partition)


class StoreIOManagerFactory(dg.ConfigurableIOManagerFactory[StoreIOManager]):
    """Configuration of :class:`StoreIOManager`, apart from it."""

    store: AssetStore

    def create_io_manager(self, context: dg.InitResourceContext) -> StoreIOManager:
        """The IO manager of this process."""
        return StoreIOManager(self.store)
