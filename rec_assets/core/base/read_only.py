"""Arrays for compiled loops."""

import numpy as np


def read_only(array: np.ndarray) -> np.ndarray:
    """A view of ``array`` that cannot be written, as those that are mapped from a file are: a loop that takes both
    would be compiled for each.
    """
    view = array.view()
    view.flags.writeable = False
    return view
