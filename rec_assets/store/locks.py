"""Whose is a temporary file or folder: its owner holds a lock on it, which ends with the process, however it ends.

A process id in the name would not tell: after a restart of a container the next process has the same one.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

# Where locks cannot tell (another machine, a file system without them): so old a thing is nobody's.
ABANDONED_SECONDS = 24 * 3600


def create_owned(path: Path, create: Callable[[Path], None]) -> int:
    """Make ``path`` with ``create`` and lock it.

    Returns:
        A descriptor; the lock ends when it is closed, or when the process ends.
    """
    while True:
        create(path)
        try:
            descriptor = _open(path)
        except FileNotFoundError:
            continue  # another process swept it before it was locked
        with suppress(OSError):  # a file system without locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        if path.exists():
            return descriptor
        os.close(descriptor)


def remove_abandoned(path: Path, *, locks_tell: bool = True) -> None:
    """Remove the file or folder ``path`` if it has no owner any more.

    Args:
        path: made by :func:`create_owned`, in this process or another.
        locks_tell: whether a lock of its owner is sure to be seen here; else its age tells.
    """
    try:
        descriptor = _open(path)
    except OSError:
        return  # swept by another process, or another user's
    try:
        if _is_abandoned(descriptor, locks_tell=locks_tell):
            _remove(path)
    finally:
        os.close(descriptor)


def _is_abandoned(descriptor: int, *, locks_tell: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        locks_tell = False
    return locks_tell or time.time() - os.fstat(descriptor).st_mtime > ABANDONED_SECONDS


def _open(path: Path) -> int:
    # Locks on network file systems want files that are open for writing; folders never can be.
    return os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
