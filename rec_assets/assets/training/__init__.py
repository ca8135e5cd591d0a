"""Sequences to track embeddings."""
