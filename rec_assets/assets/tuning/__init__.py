"""Trials of hyperparameters, a partition each, and the leaderboard of a search."""
