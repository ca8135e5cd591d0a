"""Every check once passing and once failing."""

from dataclasses import replace

import dagster as dg
import duckdb
import numpy as np
import pytest

from rec_assets import checks
from rec_assets.core.relations import Relation
from rec_assets_tests.core.made_models import embeddings_of

GOOD = {
    "hit_rates": {"1": 0.1, "5": 0.3},
    "hit_rate": 0.3,
    "popularity_hit_rate": 0.2,
    "k": 5,
    "playlists": 10,
}


def sequences(connection: duckdb.DuckDBPyConnection, *ids: str) -> Relation:
    values = ", ".join(f"('{name}', [1, 2, 3]::INTEGER[], 3::INTEGER)" for name in ids) or "('', [], 0)"
    rows = connection.sql(f"SELECT * FROM (VALUES {values}) AS t(playlist_id, track_indexes, length)")
    return rows if ids else rows.filter("length > 0")


@pytest.mark.parametrize(
    ("train", "validation", "test", "counts"),
    [
        ("ab", "c", "d", (0, 0, 0)),
        ("ab", "bc", "d", (1, 0, 0)),
        ("a", "c", "d", (0, 1, 0)),
        ("ab", "c", "dx", (0, 0, 1)),
    ],
)
def test_splits_are_disjoint_and_complete(connection, train, validation, test, counts) -> None:
    result = checks.splits_are_disjoint_and_complete(
        *(sequences(connection, *ids) for ids in ("abcd", train, validation, test))
    )

    found = tuple(result.metadata[key].value for key in ("in_several_parts", "in_no_part", "in_a_part_only"))
    assert found == counts
    assert result.passed is (counts == (0, 0, 0))


def test_vectors_are_finite() -> None:
    good = embeddings_of(np.eye(3))
    broken = replace(good, output_vectors=np.array([[1, np.nan, 0], [0, np.inf, 0], [0, 0, 1]], np.float32))

    assert checks.vectors_are_finite(good).passed
    result = checks.vectors_are_finite(broken)
    assert not result.passed
    assert result.metadata["broken_output_vectors"].value == 2


def test_a_table_has_rows_of_its_schema(connection) -> None:
    check = checks.build_table_check("train_sequences")

    assert check(sequences(connection, "a")).passed
    assert not check(sequences(connection)).passed
    assert not check(sequences(connection, "a").select("playlist_id, length, track_indexes")).passed
    assert not check(sequences(connection, "a").select("playlist_id, track_indexes, length::BIGINT AS length")).passed


@pytest.mark.parametrize(
    ("report", "is_a_share", "is_above"),
    [
        (GOOD, True, True),
        (GOOD | {"popularity_hit_rate": 0.3}, True, False),
        (GOOD | {"hit_rates": {"1": 0.4, "5": 0.3}}, False, True),
        (GOOD | {"hit_rates": {"1": 0.1, "5": 1.3}, "hit_rate": 1.3}, False, True),
    ],
)
def test_hit_rates_are_shares_and_above_popularity(report: dict, is_a_share: bool, is_above: bool) -> None:
    share, above = checks.build_hit_rate_checks("validation")(report)

    assert (share.passed, above.passed) == (is_a_share, is_above)
    assert above.severity is dg.AssetCheckSeverity.WARN
