"""Hyperparameter search: what is tried, what a trial is, and what the trials say together."""
