"""What is loaded once and stays, out of the garbage collector's way."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def long_lived() -> Iterator[None]:
    """What the block imports and makes stays to the end of the process: no collection looks at it, nor the last one.

    Looking for cycles among imported modules took a quarter of ``rec-assets recommend`` and a tenth of a short job.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if was_on:
            gc.enable()
