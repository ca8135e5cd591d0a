"""A folder for files that nobody needs after this process, however the process ends."""

import os
import tempfile
import weakref
from functools import partial
from pathlib import Path

from rec_assets.store.locks import create_owned, remove_abandoned

SCRATCH_PREFIX = "rec_assets-scratch-"


class ScratchFolder:
    """A new folder in ``parent`` (empty = the system's for temporary files); those of killed processes go.

    Raises:
        OSError: the folder cannot be made.
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
