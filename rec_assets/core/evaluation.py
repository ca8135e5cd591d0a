"""From a table of ranks to the figures that are reported."""

from typing import Any

import numpy as np

from rec_assets.core.metrics import hit_rate, hit_rate_interval, hit_rates, mean_reciprocal_rank, ndcg
from rec_assets.core.relations import Relation


def rank_arrays(ranks: Relation) -> dict[str, np.ndarray]:
    """The columns of a table of ranks as arrays; a null rank is 0, not found, and a null ``same_artist`` -1."""
    columns = ranks.select(
        "coalesce(rank, 0) AS rank, coalesce(popularity_rank, 0) AS popularity_rank, query_is_cold, target_is_cold, "
        "history_length, target_count, coalesce(same_artist::TINYINT, -1) AS same_artist"
    )
    return {name: np.asarray(values) for name, values in columns.fetchnumpy().items()}


def ranks_by_strategy(strategy_ranks: Relation) -> dict[str, np.ndarray]:
    """(m,) ranks of each strategy of the table, 0 = not found, by its name and in the order of the table."""
    columns = strategy_ranks.select("strategy, coalesce(rank, 0) AS rank").fetchnumpy()
    names, ranks = np.asarray(columns["strategy"]), np.asarray(columns["rank"])
    return {name: ranks[names == name] for name in dict.fromkeys(names.tolist())}


def report_hit_rate(columns: dict[str, np.ndarray], *, k: int) -> dict[str, Any]:
    """The figures of ``*_hit_rate.json``.

    Args:
        columns: see :func:`rank_arrays`.
        k: how many tracks are recommended.

    Returns:
        ``hit_rate`` at ``k`` with its 95 % ``interval`` by bootstrap over playlists, ``hit_rates`` and
        ``intervals`` by k (as text, since JSON keys are), ``mrr`` and ``ndcg`` at ``k``, ``popularity_hit_rate``
        of the k most frequent training tracks, and the numbers of playlists, cold queries and cold targets.

    Raises:
        ValueError: there is no playlist.
    """
    ranks = columns["rank"]
    rates = hit_rates(ranks, k=k)
    intervals = {str(at): _ends(ranks, at) for at in rates}
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


def _ends(ranks: np.ndarray, k: int) -> list[float]:
    interval = hit_rate_interval(ranks, k=k)
    return [interval.low, interval.high]
