"""Write a file only over what was there when it was looked at, so that of two writers one is told."""

import errno
import fcntl
import filecmp
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from upath import UPath

from rec_assets.core.base.errors import StoreError
from rec_assets.store.local import is_local, is_s3, local_path

# HTTP: the precondition failed; another conditional write of the same object is under way.
_REPLACED = (412, 409)


class ReplacedError(StoreError):
    """The file is another one than when it was looked at; nothing was written."""

    def __init__(self, target: UPath) -> None:
        super().__init__(f"{target} was replaced by another process meanwhile, and is left as it is now. Try again.")


def version_of(target: UPath) -> str:
    """What tells the version of a file that is at ``target`` from others. Raises FileNotFoundError: there is none."""
    if is_local(target):
        found = local_path(target).stat()
        return f"{found.st_ino}-{found.st_mtime_ns}-{found.st_size}"
    return target.fs.info(target.path).get("ETag") or target.fs.ukey(target.path)


@dataclass(frozen=True)
class Stamp:
    """Which ``version`` of a file was there when it was looked at; None = there was no file."""

    version: str | None

    @classmethod
    def of(cls, target: UPath) -> "Stamp":
        """The stamp of what is at ``target`` now."""
        try:
            return cls(version_of(target))
        except FileNotFoundError:
            return cls(None)

    def rename_over(self, temporary: Path, target: UPath) -> None:
        """Renames ``temporary`` to a local ``target``; one process at a time where the file system knows locks.

        Raises ReplacedError: the target is of another stamp now, and has other bytes than ``temporary``.
        """
        folder = os.open(local_path(target).parent, os.O_RDONLY)
        try:
            with suppress(OSError):
                fcntl.flock(folder, fcntl.LOCK_EX)
            if self._is_still(target):
                temporary.replace(local_path(target))
            else:
                _require_equal(temporary, target)
        finally:
            os.close(folder)

    def put_over(self, temporary: Path, target: UPath) -> None:
        """Uploads ``temporary`` to ``target``, on S3 on a condition that the server checks (If-Match, If-None-Match).

        The stamp is compared here first, too, since some endpoints ignore conditions and others refuse them. Raises
        ReplacedError: the object is of another stamp now, and has other bytes than ``temporary``: a put whose answer
        was lost is repeated, and then meets itself.
        """
        if not self._is_still(target):
            _require_equal(temporary, target)
            return
        try:
            target.fs.put_file(str(temporary), target.path, **self._conditions(target))
        except OSError as error:
            if error.errno == errno.ENOSYS:
                target.fs.put_file(str(temporary), target.path)
            elif _status_of(error) in _REPLACED or (self.version and isinstance(error, FileNotFoundError)):
                _require_equal(temporary, target)
            else:
                raise

    def _conditions(self, target: UPath) -> dict[str, Any]:
        if not is_s3(str(target)):
            return {}
        return {"IfNoneMatch": "*"} if self.version is None else {"IfMatch": self.version}

    def _is_still(self, target: UPath) -> bool:
        return Stamp.of(target) == self


def _require_equal(temporary: Path, target: UPath) -> None:
    """Raises ReplacedError: what is at ``target`` has not the bytes of ``temporary``."""
    with tempfile.TemporaryDirectory(dir=temporary.parent) as folder:
        copy = Path(folder) / target.name
        with suppress(FileNotFoundError):
            target.fs.get_file(target.path, str(copy))
        if not (copy.exists() and filecmp.cmp(copy, temporary, shallow=False)):
            raise ReplacedError(target)


def _status_of(error: BaseException | None) -> int | None:
    """The HTTP status that an error of an object store, or its cause, brings with it."""
    while error is not None:
        answer = getattr(error, "response", None) or {}  # that of a timeout is None
        status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode")
        if status:
            return status
        error = error.__cause__
    return None
