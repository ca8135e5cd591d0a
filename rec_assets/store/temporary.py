"""Temporary files and folders: the owner holds a lock, which ends with the process, however the process ends.

A process id in the name would not do: after a restart of a container the next process has the same one.
"""

import fcntl
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

SCRATCH_PREFIX = "rec_assets-scratch-"
# Without locks (another machine, or a file system without them) anything this old has no owner.
ABANDONED_SECONDS = 24 * 3600


class ScratchFolder:
    """A new folder in ``parent`` for files that nobody needs after this process; removes those of killed processes.

    An empty ``parent`` is the system's folder for temporary files. Raises OSError: the folder cannot be made.
    """

    def __init__(self, parent: str = "") -> None:
        for leftover in Path(parent or tempfile.gettempdir()).glob(f"{SCRATCH_PREFIX}*"):
            remove_abandoned(leftover)
        self._folder = tempfile.TemporaryDirectory(
            prefix=SCRATCH_PREFIX, dir=parent or None, ignore_cleanup_errors=True
        )
        self.path = Path(self._folder.name)
        lock = create_owned(self.path, partial(Path.mkdir, mode=0o700, exist_ok=True))
        self._release = weakref.finalize(self, os.close, lock)

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()
        self._release()


def create_owned(path: Path, create: Callable[[Path], None]) -> int:
    """Make ``path`` with ``create`` and lock it; the lock ends when the descriptor is closed, or the process ends."""
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
    """Remove the file or folder ``path`` of :func:`create_owned`, of any process, if it has no owner any more.

    ``locks_tell``: whether a lock of its owner would be seen here; if not, its age decides.
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
