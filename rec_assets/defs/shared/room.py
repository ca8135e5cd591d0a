"""A room: what a stage of the graph brings to the code location."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from rec_assets.defs.shared.explained import explain_errors_of
from rec_assets.defs.shared.schemas import TABLE_SCHEMAS
from rec_assets.store.io_manager import COLUMN_SCHEMA

OWNERS = ["team:recommendations"]


@dataclass(frozen=True)
class Room:
    """What a stage brings.

    Attributes:
        name: of the stage, the group of its assets; begins with its place, since the UI sorts groups by name.
        assets: in the order of the graph.
        settings: the config class of each step that takes settings, by the step's name.
        checks: those of its assets.
        freshness: how old which asset may become before the UI says so.
        external: assets that are reported by jobs, and not executed by materializing them.
    """

    name: str
    assets: Sequence[dg.AssetsDefinition]
    settings: Mapping[str, type[dg.Config]] = field(default_factory=dict)
    checks: Sequence[dg.AssetChecksDefinition] = ()
    freshness: Mapping[str, dg.FreshnessPolicy] = field(default_factory=dict)
    external: Sequence[dg.AssetSpec] = ()

    def __post_init__(self) -> None:
        """Lets the run page explain what the assets refuse."""
        for asset in self.assets:
            explain_errors_of(asset)

    def furnished(self) -> list[dg.AssetsDefinition | dg.AssetSpec]:
        """The assets with what all have in common: group, owners, the columns of tables, and freshness."""
        return list(dg.map_asset_specs(self._furnish, [*self.assets, *self.external]))

    def _furnish(self, spec: dg.AssetSpec) -> dg.AssetSpec:
        name = spec.key.path[-1]
        columns = {COLUMN_SCHEMA: TABLE_SCHEMAS[name]} if name in TABLE_SCHEMAS else {}
        return spec.replace_attributes(
            group_name=self.name,
            owners=OWNERS,
            metadata={**spec.metadata, **columns},
            freshness_policy=self.freshness.get(name),
        )
