"""Without these, a rank that is missing in a table could be read as the best one, and hit rates be too high."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from rec_assets.core.evaluation.figures import asked_of, rank_array, rank_arrays, ranks_table, report_hit_rate
from rec_assets.core.evaluation.ranking import HeldOutRanks

RANKS = HeldOutRanks(
    query_track=np.array([1, 2, 3, 4], np.int32),
    target_track=np.array([5, 6, 7, 8], np.int32),
    rank=np.array([1, 0, 3, 0], np.int32),
    popularity_rank=np.array([9, 2, 0, 0], np.int32),
    query_is_cold=np.array([True, False, False, False]),
    target_is_cold=np.array([False, True, False, True]),
    history_length=np.array([2, 3, 4, 5], np.int32),
    target_count=np.array([4, 8, 0, 0], np.int64),
    same_artist=np.array([1, 0, -1, 0], np.int8),
)


def test_ranks_survive_the_table(connection: duckdb.DuckDBPyConnection) -> None:
    playlists = pa.table({"user_id": ["u", None, "v", "v"], "playlist": ["a", "b", "c", "d"]})
    stored = connection.from_arrow(ranks_table(RANKS, playlists, strategy="ranker", k=5))

    assert stored.select("user_id, playlist").to_arrow_table() == playlists
    assert stored.select("rank, popularity_rank, same_artist").fetchall() == [
        (1, 9, True),
        (None, 2, False),
        (3, None, None),
        (None, None, False),
    ]
    assert asked_of(stored) == ("ranker", 5)
    columns = rank_arrays(stored)
    for name, values in columns.items():
        assert values.tolist() == getattr(RANKS, name).tolist(), name
    assert set(columns) == {
        "rank", "popularity_rank", "query_is_cold", "target_is_cold", "history_length", "target_count", "same_artist",
    }  # fmt: skip
    with pytest.raises(ValueError, match="not enough values"):
        asked_of(stored.filter("false"))


def test_the_report_has_the_rates_at_each_k_with_their_intervals() -> None:
    figures = report_hit_rate({name: getattr(RANKS, name) for name in vars(RANKS)}, k=5)

    assert (figures["hit_rate"], figures["k"], figures["playlists"]) == (0.5, 5, 4)
    assert (figures["cold_queries"], figures["cold_targets"], figures["popularity_hit_rate"]) == (1, 2, 0.25)
    assert figures["hit_rates"] == {"1": 0.25, "2": 0.25, "5": 0.5}
    assert figures["mrr"] == pytest.approx((1 + 1 / 3) / 4)
    assert figures["ndcg"] == pytest.approx((1 + 1 / 2) / 4)
    assert figures["intervals"]["5"] == figures["interval"]
    assert 0 <= figures["interval"][0] < 0.5 < figures["interval"][1] <= 1
    assert list(figures["intervals"]) == list(figures["hit_rates"])


def test_ranks_of_the_leaderboard_are_0_where_the_target_was_not_found() -> None:
    assert rank_array([3, None, 1]).tolist() == [3, 0, 1]
