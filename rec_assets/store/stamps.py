"""Write a file only over what was there when it was looked at, so that of two writers one is told."""

import errno
import fcntl
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from upath import UPath

from rec_assets.core.base.errors import StoreError
from rec_assets.store.local import is_local, local_path

_S3 = ("s3", "s3a")
# HTTP: the precondition failed; another conditional write of the same object is under way.
_REPLACED = (412, 409)


class ReplacedError(StoreError):
    """The file is another one than when it was looked at; nothing was written."""

    def __init__(self, target: UPath) -> None:
        super().__init__(f"{target} was replaced by another process meanwhile, and is left as it is now. Try again.")


@dataclass(frozen=True)
class Stamp:
    """What tells one version of a file from others; ``version`` None = there was no file."""

    version: str | None

    @classmethod
    def of(cls, target: UPath) -> "Stamp":
        """The stamp of what is at ``target`` now."""
        try:
            if is_local(target):
                found = local_path(target).stat()
                return cls(f"{found.st_ino}-{found.st_mtime_ns}-{found.st_size}")
            return cls(target.fs.info(target.path).get("ETag") or target.fs.ukey(target.path))
        except FileNotFoundError:
            return cls(None)

    def rename_over(self, temporary: Path, target: UPath) -> None:
        """Renames ``temporary`` to a local ``target``; one process at a time where the file system knows locks.

        Raises ReplacedError: the target is of another stamp now.
        """
        folder = os.open(local_path(target).parent, os.O_RDONLY)
        try:
            with suppress(OSError):
                fcntl.flock(folder, fcntl.LOCK_EX)
            self._require(target)
            temporary.replace(local_path(target))
        finally:
            os.close(folder)

    def put_over(self, temporary: Path, target: UPath) -> None:
        """Uploads ``temporary`` to ``target``, on S3 on a condition that the server checks (If-Match, If-None-Match).

        The stamp is compared here first, too, since some endpoints ignore conditions and others refuse them. Raises
        ReplacedError: the object is of another stamp now.
        """
        self._require(target)
        try:
            target.fs.put_file(str(temporary), target.path, **self._conditions(target))
        except OSError as error:
            if error.errno == errno.ENOSYS:
                target.fs.put_file(str(temporary), target.path)
            elif _status_of(error) in _REPLACED or (self.version and isinstance(error, FileNotFoundError)):
                raise ReplacedError(target) from error
            else:
                raise

    def _conditions(self, target: UPath) -> dict[str, Any]:
        if target.protocol not in _S3:
            return {}
        return {"IfNoneMatch": "*"} if self.version is None else {"IfMatch": self.version}

    def _require(self, target: UPath) -> None:
        if Stamp.of(target) != self:
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
