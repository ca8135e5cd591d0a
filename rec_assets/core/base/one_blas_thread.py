"""Matrix products on one thread: OpenBLAS's kernels round otherwise when they share a product out to several threads."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_blocks, _limit = 0, ExitStack()


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keeps BLAS in this process to one thread for the block, so that its products have the same bits everywhere.

    Who has many products to make shares them out to threads of its own. The number of threads is the library's, not
    the thread's: blocks that overlap are counted, and the last one to end sets it back.
    """
    global _blocks
    with _lock:
        if _blocks == 0:
            _limit.enter_context(_blas().limit(limits=1))
        _blocks += 1
    try:
        yield
    finally:
        with _lock:
            _blocks -= 1
            if _blocks == 0:
                _limit.close()


@cache
def _blas() -> ThreadpoolController:
    import numpy as np  # noqa: F401 - its library must be loaded to be found

    return ThreadpoolController().select(user_api="blas")
