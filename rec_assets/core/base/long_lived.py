"""What is loaded once and stays, out of the garbage collector's way."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def long_lived() -> Iterator[None]:
    """For a block that loads what a process needs to its end: the garbage collector sleeps meanwhile.

    What is alive in the process after the block, it never looks at again, not even at exit.
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
