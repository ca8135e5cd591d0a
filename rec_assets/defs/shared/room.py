"""A room: what a stage of the graph brings to the code location."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import dagster as dg

from rec_assets.core.base.relations import Relation, count_rows
from rec_assets.defs.shared.schemas import TABLE_SCHEMAS

OWNERS = ["team:recommendations"]


@dataclass(frozen=True)
class Room:
    """What a stage brings.

    Attributes:
        name: of the stage; the group of its assets.
        assets: in the order of the graph.
        settings: the config class of each step that takes settings, by the step's name.
        checks: those of its assets; that a table has its columns is added to them.
        freshness: how old which asset may become before the UI says so.
        external: assets that are reported by jobs, and not executed by materializing them.
    """

    name: str
    assets: Sequence[dg.AssetsDefinition]
    settings: Mapping[str, type[dg.Config]] = field(default_factory=dict)
    checks: Sequence[dg.AssetChecksDefinition] = ()
    freshness: Mapping[str, dg.FreshnessPolicy] = field(default_factory=dict)
    external: Sequence[dg.AssetSpec] = ()

    def furnished(self) -> list[dg.AssetsDefinition | dg.AssetSpec]:
        """The assets with what all have in common: group, owners, the columns of tables, and freshness."""
        return list(dg.map_asset_specs(self._furnish, [*self.assets, *self.external]))

    def all_checks(self) -> list[dg.AssetChecksDefinition]:
        """The checks, with those of the tables."""
        own = [key.path[-1] for asset in self.assets for key in asset.keys]
        return [*(build_table_check(name) for name in own if name in TABLE_SCHEMAS), *self.checks]

    def _furnish(self, spec: dg.AssetSpec) -> dg.AssetSpec:
        name = spec.key.path[-1]
        columns = {"dagster/column_schema": TABLE_SCHEMAS[name]} if name in TABLE_SCHEMAS else {}
        return spec.replace_attributes(
            group_name=self.name,
            owners=OWNERS,
            metadata={**spec.metadata, **columns},
            freshness_policy=self.freshness.get(name),
        )


def build_table_check(name: str) -> dg.AssetChecksDefinition:
    """Table ``name`` has rows, and exactly the columns of its schema."""
    expected = {column.name: column.type for column in TABLE_SCHEMAS[name].columns}

    @dg.asset_check(
        asset=name,
        name="has_rows_of_its_schema",
        description="The table is not empty, and its columns are those of its schema, in order and type.",
        blocking=True,
    )
    def has_rows_of_its_schema(table: Relation) -> dg.AssetCheckResult:
        found = dict(zip(table.columns, map(str, table.types), strict=True))
        rows = count_rows(table)
        return dg.AssetCheckResult(
            passed=rows > 0 and list(found.items()) == list(expected.items()),
            metadata={"rows": rows, "columns": _listed(found), "expected_columns": _listed(expected)},
        )

    return has_rows_of_its_schema


def _listed(columns: Mapping[str, str]) -> str:
    """Columns and types as a line of text, which the UI shows at once; JSON it hides behind a link."""
    return ", ".join(f"{name} {type_}" for name, type_ in columns.items())
