"""Write a file so that a reader, or a crash, sees the old one or the new one and never a part."""

import errno
import os
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from upath import UPath

from rec_assets.core.base.errors import StoreError, is_of
from rec_assets.store.local import is_local, local_path
from rec_assets.store.stamps import Stamp
from rec_assets.store.temporary import create_owned, remove_abandoned

TEMPORARY_PREFIX = ".writing-"
# Faults of the place that do not pass by themselves.
_HOPELESS = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST,
    errno.ENAMETOOLONG, errno.ELOOP, errno.EISDIR,
)  # fmt: skip
_HOST = socket.gethostname()


@contextmanager
def atomic_file(target: UPath, scratch: Path, *, over: Stamp | None = None) -> Iterator[Path]:
    """A local path to write to; at the end of the block it becomes ``target``, at an error it vanishes.

    On a disk: a file in the target's folder, flushed, renamed over the target. On an object store: a file in
    ``scratch``, uploaded to its final name, since a rename there would be a copy and a delete; an upload is seen when
    it is complete.

    Raises:
        StoreError: no space, no permission, or no such bucket.
        ReplacedError: the target is no longer what the stamp ``over`` was taken of.
    """
    folder = local_path(target).parent if is_local(target) else scratch
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep_abandoned(folder, target.name)
        temporary = folder / f"{TEMPORARY_PREFIX}{_HOST}-{os.getpid()}-{uuid.uuid4().hex}-{target.name}"
        lock = create_owned(temporary, Path.touch)
        try:
            yield temporary
            _flush(temporary)
            _publish(temporary, target, over)
        finally:
            temporary.unlink(missing_ok=True)
            os.close(lock)
    except Exception as error:  # duckdb's too, which is not loaded for an answer
        reason = _hopeless_reason(error)
        if reason is None:
            raise
        raise StoreError(
            f"cannot write {target}: {reason}. Free some space or mend the permissions, or set REC_ASSETS_STORAGE to "
            "another folder. What was stored before is untouched."
        ) from error


def _publish(temporary: Path, target: UPath, over: Stamp | None) -> None:
    if is_local(target):
        if over is None:
            temporary.replace(local_path(target))
        else:
            over.rename_over(temporary, target)
        _flush(local_path(target).parent)
    elif over is None:
        target.fs.put_file(str(temporary), target.path)
    else:
        over.put_over(temporary, target)


def _hopeless_reason(error: Exception) -> str | None:
    """What is wrong with the place, if it is that; DuckDB gives it in words only."""
    if isinstance(error, (PermissionError, FileNotFoundError)):  # an object store gives them no number
        return error.strerror or str(error)
    if isinstance(error, OSError):
        return os.strerror(error.errno) if error.errno in _HOPELESS else None
    if not is_of(error, "duckdb", "_duckdb"):
        return None
    message = str(error).splitlines()[0]  # it names the file, which may also be one that DuckDB spilled to
    return message if any(os.strerror(number) in message for number in _HOPELESS) else None


def download(target: UPath, copy: Path) -> None:
    """Fetch ``target`` to the local path ``copy``, which is there when it is whole."""
    partial = copy.with_name(TEMPORARY_PREFIX + copy.name)
    target.fs.get_file(target.path, str(partial))
    partial.replace(copy)


def sweep_abandoned(folder: Path, name: str) -> None:
    """Remove what killed writers of ``name`` left: files without a lock, and old ones of other machines."""
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*-{name}"):
        remove_abandoned(leftover, locks_tell=leftover.name.startswith(f"{TEMPORARY_PREFIX}{_HOST}-"))


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
