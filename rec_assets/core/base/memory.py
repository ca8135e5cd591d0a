"""Memory that is free, handed back to the system: what is kept for later counts as memory of the process."""

import ctypes
import mmap

import numpy as np
import pyarrow as pa

_C = ctypes.CDLL(None)


def give_back() -> None:
    """Hand back what is free in the heap of C and in the pool of Arrow, where the platform can."""
    pa.default_memory_pool().release_unused()
    if hasattr(_C, "malloc_trim"):  # glibc
        _C.malloc_trim(0)


def let_go(array: np.ndarray) -> None:
    """Let go of all pages of the file from which ``array`` is mapped, if it is; they are read again when used."""
    content = array
    while isinstance(content, np.ndarray | memoryview):
        content = content.base if isinstance(content, np.ndarray) else content.obj
    if isinstance(content, mmap.mmap):
        content.madvise(mmap.MADV_DONTNEED)
