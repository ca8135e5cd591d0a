"""Runs the trials of a search, and picks up where an earlier one stopped."""
