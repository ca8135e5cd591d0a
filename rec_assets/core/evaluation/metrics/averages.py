"""The mean of a metric over playlists."""

import math

import numpy as np


def mean_over_playlists(values: np.ndarray, *, metric: str) -> float:
    """The mean of ``values``, the same to the last bit whatever their order.

    Args:
        values: (n,) one value of the metric per playlist.
        metric: its name, for the error.

    Raises:
        ValueError: there are no values, since a mean of nothing is not 0.
    """
    if len(values) == 0:
        raise ValueError(f"the {metric} of no playlists is undefined")
    return math.fsum(values.tolist()) / len(values)
