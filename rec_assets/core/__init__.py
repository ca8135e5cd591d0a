"""The pure core: playlists, catalog, sequences, splits, embeddings, retrieval, metrics and plots.

Nothing here knows Dagster: every module can be called from a notebook or a test with a DuckDB connection
and a few arrays. Imports go from the shell (assets, resources, checks, jobs) to this package, never back.
"""
