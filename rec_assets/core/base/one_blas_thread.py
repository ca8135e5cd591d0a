"""Matrix products on one thread: OpenBLAS rounds in another way when several threads share one product."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from threadpoolctl import LibController, OpenBLASController, ThreadpoolController

_lock = threading.Lock()
_blocks, _before = 0, [0]


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keeps numpy's BLAS to one thread for the block, so that its products have the same bits everywhere.

    The number of threads belongs to the whole library: blocks that overlap are counted, and the last one to end sets
    it back. Callers may share out their products to threads of their own.
    """
    global _blocks, _before
    with _lock:
        if _blocks == 0:
            _before = [library.num_threads or 1 for library in _blas()]
            _set_threads([1] * len(_before))
        _blocks += 1
    try:
        yield
    finally:
        with _lock:
            _blocks -= 1
            if _blocks == 0:
                _set_threads(_before)


def _set_threads(counts: Sequence[int]) -> None:
    # threadpoolctl heeds only the thread that set them first, and ignores the others without a word.
    OpenBLASController.clear_controlling_thread(force=True)
    for library, count in zip(_blas(), counts, strict=True):
        library.set_num_threads(count)
    OpenBLASController.clear_controlling_thread(force=True)


@cache
def _blas() -> list[LibController]:
    import numpy as np  # noqa: F401 - its library must be loaded to be found

    return ThreadpoolController().select(user_api="blas").lib_controllers
