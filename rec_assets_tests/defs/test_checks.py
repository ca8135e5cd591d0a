"""Every check, passing and failing; without this one could pass whatever it is given."""

from dataclasses import replace

import dagster as dg
import duckdb
import numpy as np
import pyarrow as pa
import pytest

from rec_assets.core.base.errors import DataError
from rec_assets.core.base.relations import Relation
from rec_assets.defs.evaluation.checks import (
    agrees_with_validation,
    behaviour_checks,
    build_hit_rate_checks,
    no_slice_collapsed,
    no_strategy_is_better,
)
from rec_assets.defs.preparation import splits_are_disjoint_and_complete
from rec_assets.defs.promotion.decision import candidate_may_be_promoted
from rec_assets.defs.shared.schemas import TABLE_SCHEMAS
from rec_assets.defs.training import vectors_are_finite
from rec_assets.store.io_manager import require_columns
from rec_assets_tests.core.small_models import embeddings_of

GOOD = {
    "hit_rates": {"1": 0.1, "5": 0.3},
    "hit_rate": 0.3,
    "popularity_hit_rate": 0.2,
    "k": 5,
    "playlists": 10,
}


def sequences(connection: duckdb.DuckDBPyConnection, *ids: str) -> Relation:
    """Playlists without a user."""
    values = ", ".join(f"(NULL::VARCHAR, '{name}', [1, 2, 3]::INTEGER[], 3::INTEGER)" for name in ids)
    return connection.sql(f"SELECT * FROM (VALUES {values}) AS t(user_id, playlist, track_indexes, length)")


@pytest.mark.parametrize(
    ("train", "validation", "test", "counts"),
    [
        ("ab", "c", "d", (0, 0, 0)),
        ("ab", "bc", "d", (1, 0, 0)),
        ("a", "c", "d", (0, 1, 0)),
        ("ab", "c", "dx", (0, 0, 1)),
        ("ab", "b", "d", (1, 1, 0)),
    ],
)
def test_splits_are_disjoint_and_complete(connection, train, validation, test, counts) -> None:
    result = splits_are_disjoint_and_complete(
        *(sequences(connection, *ids) for ids in ("abcd", train, validation, test))
    )

    found = tuple(result.metadata[key].value for key in ("in_several_parts", "in_no_part", "in_a_part_only"))
    assert found == counts
    assert result.passed is (counts == (0, 0, 0))


def test_vectors_are_finite() -> None:
    good = embeddings_of(np.eye(3))
    broken = replace(good, output_vectors=np.array([[1, np.nan, 0], [0, np.inf, 0], [0, 0, 1]], np.float32))

    assert vectors_are_finite(good).passed
    result = vectors_are_finite(broken)
    assert not result.passed
    assert result.metadata["broken_output_vectors"].value == 2


def test_a_table_is_stored_only_with_the_columns_of_its_schema(connection) -> None:
    schema, table = TABLE_SCHEMAS["train_sequences"], sequences(connection, "a")

    for columns in ("*", "*, 1::DOUBLE AS ended_at"):  # which only a source with times has
        require_columns("train_sequences", table.select(columns), schema)
    named = "user_id, playlist"
    wrong = (f"{named}, length, track_indexes", f"{named}, track_indexes, length::BIGINT AS length", "*, 1 AS ended_at")
    for columns in wrong:
        with pytest.raises(DataError, match="train_sequences was not stored: its columns are user_id VARCHAR, "):
            require_columns("train_sequences", table.select(columns), schema)


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
    share, above = build_hit_rate_checks("validation")(report)

    assert (share.passed, above.passed) == (is_a_share, is_above)
    assert above.severity is dg.AssetCheckSeverity.WARN


def ranks(connection, hits: int, misses: int) -> Relation:
    return connection.sql(
        f"""SELECT CASE WHEN range < {hits} THEN 1 END AS rank, 1 AS popularity_rank, false AS query_is_cold,
            false AS target_is_cold, 2 AS history_length, 3 AS target_count, true AS same_artist
            FROM range({hits + misses})"""
    )


@pytest.mark.parametrize(("validation", "test", "passed"), [((45, 55), (40, 60), True), ((60, 40), (20, 80), False)])
def test_a_test_figure_far_from_that_of_validation_is_reported(connection, validation, test, passed: bool) -> None:
    result = agrees_with_validation({"k": 10}, ranks(connection, *validation), ranks(connection, *test))

    assert result.passed is passed
    assert result.metadata["validation_minus_test"].value == pytest.approx((validation[0] - test[0]) / 100)


LEADER = {
    **{"strategy": "a", "k": 5, "stability": 0.8, "greatest_share": 0.3, "tail_share": 0.2, "is_chosen": True},
    "ranks": [1, None, None] * 100,
}
OTHER = {**LEADER, "strategy": "b", "is_chosen": False, "stability": 0.0, "tail_share": 0.0}


@pytest.mark.parametrize(
    ("change", "failed"),
    [
        ({}, set()),
        ({"stability": 0.4}, {"similar_histories_get_similar_answers"}),
        ({"stability": float("nan")}, set()),
        ({"greatest_share": 0.95}, {"no_track_for_nearly_everyone"}),
        ({"tail_share": 0.01}, {"the_tail_is_reached"}),
    ],
)
def test_how_the_chosen_strategy_behaves(connection, change: dict, failed: set[str]) -> None:
    results = list(behaviour_checks(connection.from_arrow(pa.Table.from_pylist([LEADER | change, OTHER]))))

    assert {result.check_name for result in results if not result.passed} == failed
    assert len(results) == 3


@pytest.mark.parametrize(
    ("chosen", "own", "better"),
    [("ranker", 100, "item_knn"), ("ranker", 33, None), ("item_knn", 100, None), ("popularity", 33, "item_knn")],
)
def test_a_strategy_that_beats_the_chosen_one_is_named_until_it_is_chosen(
    connection, chosen: str, own: int, better: str | None
) -> None:
    found = {"ranker": 30, "item_knn": own, "popularity": 10}
    rows = [
        {"strategy": name, "k": 20, "is_chosen": name == chosen, "ranks": [1] * hits + [None] * (300 - hits)}
        for name, hits in found.items()
    ]

    result = no_strategy_is_better(connection.from_arrow(pa.Table.from_pylist(rows)))

    assert (result.passed, result.severity) == (better is None, dg.AssetCheckSeverity.WARN)
    assert (result.description is None) == (better is None)
    assert f"Set `strategy: {better}`" in (result.description or f"Set `strategy: {better}`")
    best = "ranker" if chosen == "item_knn" else "item_knn"
    at_k, at_10 = (result.metadata[f"best_other_strategy_at_{k}"].value for k in (20, 10))
    assert at_k.startswith(f"{best}, {(found[best] - found[chosen]) / 300:+.4f} (")
    assert at_10 == at_k


def test_one_strategy_alone_has_nothing_to_beat(connection) -> None:
    rows = [{"strategy": "item_knn", "k": 20, "is_chosen": True, "ranks": [1, None]}]

    assert no_strategy_is_better(connection.from_arrow(pa.Table.from_pylist(rows))).passed


def test_a_refused_candidate_stops_what_follows_with_its_reasons() -> None:
    decision = {"promote": False, "reasons": ["it is worse", "it is late"], "compared_with": 3, "figures": {"k": 0.5}}

    checking = candidate_may_be_promoted(decision)
    result = next(checking)
    assert (result.passed, result.description) == (False, "it is worse; and it is late")
    with pytest.raises(DataError, match=r"^The candidate was refused: "):
        next(checking)
    (passed,) = candidate_may_be_promoted({**decision, "promote": True, "reasons": []})
    assert passed.passed


def slices_table(connection, rate: float) -> Relation:
    rows = [
        {"slice": "query", "value": "warm", "playlists": 500, "hit_rate": rate, "low": rate - 0.04, "high": rate + 0.04}
    ]
    return connection.from_arrow(pa.Table.from_pylist(rows))


@pytest.mark.parametrize(
    ("before", "now", "k", "passed", "compared"),
    [
        (0.5, 0.49, 5, True, "1 slices"),
        (0.5, 0.30, 5, False, "1 slices"),
        (0.5, 0.30, 9, True, "no earlier run"),
        (None, 0.30, 5, True, "no earlier run"),
    ],
)
def test_a_slice_that_collapsed_since_the_run_before_is_reported(
    connection, before: float | None, now: float, k: int, passed: bool, compared: str
) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        for rate, by in ((before, k), (now, 5)):
            if rate is not None:
                report(instance, slices_table(connection, rate), by)
        context = dg.build_asset_check_context(instance=instance)
        result = no_slice_collapsed(context, slices_table(connection, now))

    assert result.passed is passed
    assert compared in result.metadata["compared_with"].value


def report(instance: dg.DagsterInstance, slices: Relation, k: int) -> None:
    values = slices.to_arrow_table().to_pylist()
    metadata = {
        "slices": dg.MetadataValue.json(values),
        **{"strategy": "ranker", "k": k, "sample_percent": 100.0},
    }
    instance.report_runless_asset_event(dg.AssetMaterialization("validation_slices", metadata=metadata))
