"""The pure core: playlists, catalog, sequences, splits, embeddings, strategies, ranker, metrics, plots and report.

Nothing here knows Dagster: every module can be called from a notebook or a test with a DuckDB connection
and a few arrays. Imports go from the shell (assets, resources, checks, jobs) to this package, never back.
"""
