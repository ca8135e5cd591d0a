"""Asset checks: sentences that can be false, each with its evidence."""

from collections.abc import Iterator, Mapping

import dagster as dg

from rec_assets.assets.materialized import rounded
from rec_assets.assets.schemas import TABLE_SCHEMAS
from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.relations import Relation, fetch_row
from rec_assets.core.splits import SPLIT_NAMES, count_misplaced


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
        (rows,) = fetch_row(table.aggregate("count(*)"))
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


@dg.asset_check(asset="track_embeddings", description="Every vector is made of finite numbers.", blocking=True)
def vectors_are_finite(track_embeddings: TrackEmbeddings) -> dg.AssetCheckResult:
    """Counts tracks with a NaN or an infinite number in either vector."""
    broken = track_embeddings.count_broken()
    return dg.AssetCheckResult(
        passed=not any(broken.values()) and len(track_embeddings) > 0,
        metadata={
            "tracks": len(track_embeddings),
            **{f"broken_{side}": count for side, count in broken.items()},
        },
    )


def build_hit_rate_checks(part: str) -> dg.AssetChecksDefinition:
    """``<part>_hit_rate`` is a share, and above what popularity alone reaches."""
    name = f"{part}_hit_rate"

    @dg.multi_asset_check(
        name=f"{name}_checks",
        ins={"report": dg.AssetIn(name)},
        can_subset=True,  # without it the UI refuses to run the two unless the asset is materialized, too
        specs=[
            dg.AssetCheckSpec("is_a_share", asset=name, description="All hit rates are in 0..1 and grow with k."),
            dg.AssetCheckSpec(
                "is_above_popularity",
                asset=name,
                description="The model hits more often than the k most frequent tracks do.",
            ),
        ],
    )
    def hit_rate_checks(report: dict) -> Iterator[dg.AssetCheckResult]:
        rates = [rate for _, rate in sorted(report["hit_rates"].items(), key=lambda item: int(item[0]))]
        yield dg.AssetCheckResult(
            check_name="is_a_share",
            asset_key=name,
            passed=rates == sorted(rates) and rates[0] >= 0 and rates[-1] <= 1 and rates[-1] == report["hit_rate"],
            metadata={"hit_rates": ", ".join(f"{rate:.4g} at {k}" for k, rate in report["hit_rates"].items())},
        )
        yield dg.AssetCheckResult(
            check_name="is_above_popularity",
            asset_key=name,
            passed=report["hit_rate"] > report["popularity_hit_rate"],
            severity=dg.AssetCheckSeverity.WARN,
            metadata={key: rounded(report[key]) for key in ("hit_rate", "popularity_hit_rate", "k", "playlists")},
        )

    return hit_rate_checks


ALL_CHECKS = [
    *(build_table_check(name) for name in TABLE_SCHEMAS),
    splits_are_disjoint_and_complete,
    vectors_are_finite,
    *(build_hit_rate_checks(part) for part in SPLIT_NAMES if part != "train"),
]
