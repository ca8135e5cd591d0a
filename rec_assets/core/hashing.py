"""Seeded hashes of a playlist's identity, on which sampling and splitting rest."""

from rec_assets.core.relations import sql_text


def seeded_hash_sql(column: str, *, seed: int, purpose: str = "") -> str:
    """SQL for a 64-bit hash of ``column``: the same on every machine, thread count, row order and version.

    Another ``purpose`` makes the draw independent of one with the same seed. MD5 is here for its stability
    alone: the engine's own ``hash()`` may change between versions.
    """
    return f"md5_number_lower({column} || {sql_text(f'{purpose}{seed}')})"
