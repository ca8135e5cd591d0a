"""Playlists in, next-track recommender out: a Dagster asset graph that trains and measures track embeddings.

Importing this package imports neither Dagster nor gensim; the code location is ``rec_assets.definitions``.
"""

__version__ = "0.2.0"
