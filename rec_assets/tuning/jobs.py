"""The jobs of tuning; the trials of a search are partitions of the first."""

import dagster as dg

trial_job = dg.define_asset_job(
    "trial_job",
    selection=dg.AssetSelection.assets("trial_embeddings", "trial_hit_rate"),
    description="One trial of a search, from training to its hit rate on validation.",
)
tuning_leaderboard_job = dg.define_asset_job(
    "tuning_leaderboard_job",
    selection=dg.AssetSelection.assets("tuning_leaderboard"),
    description="The trials of a search held against each other.",
)

TUNING_JOBS = [trial_job, tuning_leaderboard_job]
"""What ``rec-assets tune`` runs."""
