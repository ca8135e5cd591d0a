"""Checks of the tables."""

from collections.abc import Mapping

import dagster as dg

from rec_assets.assets.schemas import TABLE_SCHEMAS
from rec_assets.core.relations import Relation, count_rows
from rec_assets.core.splits import count_misplaced


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


@dg.asset_check(
    asset="train_sequences",
    description="No playlist is in two parts, and the parts together are all playlists.",
    additional_ins={
        name: dg.AssetIn(name) for name in ("playlist_sequences", "validation_sequences", "test_sequences")
    },
    blocking=True,
)
def splits_are_disjoint_and_complete(
    playlist_sequences: Relation,
    train_sequences: Relation,
    validation_sequences: Relation,
    test_sequences: Relation,
) -> dg.AssetCheckResult:
    """Counts playlists that are in several parts, in none, or in a part but not in the whole."""
    parts = train_sequences.union(validation_sequences).union(test_sequences)
    misplaced = count_misplaced(playlist_sequences, parts)
    return dg.AssetCheckResult(passed=not any(misplaced.values()), metadata=misplaced)


@dg.asset_check(
    asset="base_sequences",
    description="No training playlist is both base and ranker, and the two together are all training playlists.",
    additional_ins={name: dg.AssetIn(name) for name in ("train_sequences", "ranker_sequences")},
    blocking=True,
)
def ranker_playlists_are_kept_aside(
    train_sequences: Relation, base_sequences: Relation, ranker_sequences: Relation
) -> dg.AssetCheckResult:
    """Counts training playlists that are in both parts, in none, or in a part but not in training."""
    misplaced = count_misplaced(train_sequences, base_sequences.union(ranker_sequences))
    return dg.AssetCheckResult(passed=not any(misplaced.values()), metadata=misplaced)
