"""Metrics over the ranks of held-out targets and over what is recommended, and how sure they are.

A rank is 1 for the best answer; 0 means that the target was not found, which is a miss.
"""

from rec_assets.core.evaluation.metrics.answers import catalog_coverage, greatest_share, median_popularity, tail_share
from rec_assets.core.evaluation.metrics.bootstrap import (
    Interval,
    bootstrap_interval,
    difference_interval,
    hit_rate_interval,
    paired_difference_interval,
)
from rec_assets.core.evaluation.metrics.hit_rate import CURVE_KS, hit_rate, hit_rates, hits
from rec_assets.core.evaluation.metrics.ndcg import discounted_gains, ndcg
from rec_assets.core.evaluation.metrics.reciprocal_rank import mean_reciprocal_rank, reciprocal_ranks

__all__ = [
    "CURVE_KS",
    "Interval",
    "bootstrap_interval",
    "catalog_coverage",
    "difference_interval",
    "discounted_gains",
    "greatest_share",
    "hit_rate",
    "hit_rate_interval",
    "hit_rates",
    "hits",
    "mean_reciprocal_rank",
    "median_popularity",
    "ndcg",
    "paired_difference_interval",
    "reciprocal_ranks",
    "tail_share",
]
