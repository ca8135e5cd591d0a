"""Draws that are hashes of the seed and of what is drawn for: no order, no state."""

import zlib

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


def uniform(seed: int, purpose: str, *keys: Ints) -> NDArray[np.float64]:
    """One number in [0, 1) for each of the ``keys``, the same whenever it is asked for."""
    state = np.full(1, (seed << 32) ^ zlib.crc32(purpose.encode()), dtype=np.uint64)
    for key in keys:  # splitmix64: uint64 arrays wrap around, which is meant
        state = (state ^ key.astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53


def floor(values: NDArray[np.float64]) -> Ints:
    """The whole parts, as indices."""
    return values.astype(np.int64)
