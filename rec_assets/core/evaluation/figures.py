"""From a table of ranks to the figures that are reported."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa

from rec_assets.core.base.arrow import number_column, text_column
from rec_assets.core.base.relations import Relation, fetch_row
from rec_assets.core.evaluation.bootstrap import hit_rate_interval
from rec_assets.core.evaluation.metrics import hit_rate, hit_rates, mean_reciprocal_rank, ndcg
from rec_assets.core.evaluation.ranking import HeldOutRanks


def rank_arrays(ranks: Relation) -> dict[str, np.ndarray]:
    """The columns of a table of ranks as arrays; a null rank is 0, not found, and a null ``same_artist`` -1."""
    columns = ranks.select(
        "coalesce(rank, 0) AS rank, coalesce(popularity_rank, 0) AS popularity_rank, query_is_cold, target_is_cold, "
        "history_length, target_count, coalesce(same_artist::TINYINT, -1) AS same_artist"
    )
    return {name: np.asarray(values) for name, values in columns.fetchnumpy().items()}


def rank_array(ranks: Iterable[int | None]) -> np.ndarray:
    """(m,) int32 ranks of a row of the leaderboard, 0 where the target was not found."""
    return np.array([rank or 0 for rank in ranks], np.int32)


def rate_text(rate: float, low: float, high: float) -> str:
    """A rate (0..1) with its interval, such as "0.449 (0.428–0.471)"; "–" where it is NaN."""
    return f"{rate:.3f} ({low:.3f}–{high:.3f})" if rate == rate else "–"


def asked_of(ranks: Relation) -> tuple[str, int]:
    """The strategy that a table of ranks is of, and how many tracks it recommended.

    Raises ValueError: the table is empty, or of several strategies.
    """
    strategy, k = fetch_row(ranks.select("strategy, k").distinct())
    return strategy, k


def ranks_table(ranks: HeldOutRanks, playlists: pa.Table, *, strategy: str, k: int) -> pa.Table:
    """The ``ranks`` among ``k`` by ``strategy`` beside ``playlists`` (m,), "not found" and "unknown" as null."""

    def nullable(values: np.ndarray, missing: int) -> pa.Array:
        return number_column(values, pa.int32(), values == missing)

    return pa.table(
        {
            **dict(zip(playlists.column_names, playlists.columns, strict=True)),
            "strategy": text_column([strategy] * len(playlists)),
            "k": number_column(np.full(len(playlists), k), pa.int32()),
            "query_track": number_column(ranks.query_track, pa.int32()),
            "target_track": number_column(ranks.target_track, pa.int32()),
            "rank": nullable(ranks.rank, 0),
            "popularity_rank": nullable(ranks.popularity_rank, 0),
            "query_is_cold": number_column(ranks.query_is_cold, pa.bool_()),
            "target_is_cold": number_column(ranks.target_is_cold, pa.bool_()),
            "history_length": number_column(ranks.history_length, pa.int32()),
            "target_count": number_column(ranks.target_count, pa.int64()),
            "same_artist": number_column(ranks.same_artist == 1, pa.bool_(), ranks.same_artist == -1),
        }
    )


def report_hit_rate(columns: dict[str, np.ndarray], *, k: int) -> dict[str, Any]:
    """The figures of ``*_hit_rate.json``, of ``columns`` of :func:`rank_arrays` and ``k`` recommended tracks.

    Returns ``hit_rate`` at ``k`` with its 95 % ``interval`` by bootstrap over playlists, ``hit_rates`` and
    ``intervals`` by k (as text, since JSON keys are), ``mrr`` and ``ndcg`` at ``k``, ``popularity_hit_rate`` of the k
    most frequent training tracks, and the numbers of playlists, cold queries and cold targets. Raises ValueError: there
    is no playlist.
    """
    ranks = columns["rank"]
    rates = hit_rates(ranks, k=k)
    ends = {at: hit_rate_interval(ranks, k=at) for at in rates}
    intervals = {str(at): [interval.low, interval.high] for at, interval in ends.items()}
    return {
        "hit_rate": hit_rate(ranks, k=k),
        "interval": intervals[str(k)],
        "k": k,
        "playlists": len(ranks),
        "cold_queries": int(columns["query_is_cold"].sum()),
        "cold_targets": int(columns["target_is_cold"].sum()),
        "popularity_hit_rate": hit_rate(columns["popularity_rank"], k=k),
        "mrr": mean_reciprocal_rank(ranks, k=k),
        "ndcg": ndcg(ranks, k=k),
        "hit_rates": {str(at): rate for at, rate in rates.items()},
        "intervals": intervals,
    }
