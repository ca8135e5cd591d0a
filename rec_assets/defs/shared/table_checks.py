"""Checks of the tables."""

from collections.abc import Mapping

import dagster as dg

from rec_assets.core.base.relations import Relation, count_rows
from rec_assets.defs.shared.schemas import TABLE_SCHEMAS


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
