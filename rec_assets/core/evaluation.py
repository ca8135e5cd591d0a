"""From a table of ranks to the figures that are reported."""

from typing import Any

import numpy as np

from rec_assets.core.metrics import hit_rate, hit_rates
from rec_assets.core.relations import Relation


def rank_arrays(ranks: Relation) -> dict[str, np.ndarray]:
    """The columns of a table of ranks as arrays; a null rank is 0, not found."""
    columns = ranks.select(
        "coalesce(rank, 0) AS rank, coalesce(popularity_rank, 0) AS popularity_rank, query_is_cold, target_is_cold"
    )
    return {name: np.asarray(values) for name, values in columns.fetchnumpy().items()}


def report_hit_rate(columns: dict[str, np.ndarray], *, k: int) -> dict[str, Any]:
    """The figures of ``*_hit_rate.json``.

    Args:
        columns: see :func:`rank_arrays`.
        k: how many tracks are recommended.

    Returns:
        ``hit_rate`` at ``k``, ``hit_rates`` by k (as text, since JSON keys are), ``popularity_hit_rate`` of
        the k most frequent training tracks, and the numbers of playlists, cold queries and cold targets.

    Raises:
        ValueError: there is no playlist.
    """
    return {
        "hit_rate": hit_rate(columns["rank"], k=k),
        "k": k,
        "playlists": len(columns["rank"]),
        "cold_queries": int(columns["query_is_cold"].sum()),
        "cold_targets": int(columns["target_is_cold"].sum()),
        "popularity_hit_rate": hit_rate(columns["popularity_rank"], k=k),
        "hit_rates": {str(at): rate for at, rate in hit_rates(columns["rank"], k=k).items()},
    }
