"""Write a file so that a reader, or a crash, sees the old one or the new one and never a part."""

import errno
import os
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
from safetensors import SafetensorError
from upath import UPath

from rec_assets.core.errors import StoreError

TEMPORARY_PREFIX = ".writing-"
# A temporary file this old belongs to a process that was killed, on whatever machine it ran.
ABANDONED_SECONDS = 24 * 3600
# Faults of the place that waiting does not mend.
_HOPELESS = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST,
    errno.ENAMETOOLONG, errno.ELOOP,
)  # fmt: skip
_HOST = socket.gethostname()


@contextmanager
def atomic_file(target: UPath, scratch: Path) -> Iterator[Path]:
    """A local path to write to; at the end of the block it becomes ``target``, at an error it vanishes.

    On a disk: a file in the target's folder, flushed, renamed over the target. On an object store: a file
    in ``scratch``, uploaded in one request, since a rename there would be a copy and a delete.

    Raises:
        StoreError: no space, or no permission.
    """
    folder = local_path(target).parent if is_local(target) else scratch
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sweep_abandoned(folder, target.name)
        temporary = folder / f"{TEMPORARY_PREFIX}{_HOST}-{os.getpid()}-{uuid.uuid4().hex}-{target.name}"
        try:
            temporary.touch()
            mode = temporary.stat().st_mode
            yield temporary
            temporary.chmod(mode)  # some writers leave 0600
            _flush(temporary)
            if is_local(target):
                temporary.replace(local_path(target))
                _flush(folder)
            else:
                target.fs.put_file(str(temporary), target.path)
        finally:
            temporary.unlink(missing_ok=True)
    except (OSError, duckdb.Error, SafetensorError) as error:
        reason = _hopeless_reason(error)
        if reason is None:
            raise
        raise StoreError(
            f"cannot write {target}: {reason}. Free some space or mend the permissions, or set REC_ASSETS_STORAGE to "
            "another folder. What was stored before is untouched."
        ) from error


def _hopeless_reason(error: Exception) -> str | None:
    """What is wrong with the place, if it is that; DuckDB and safetensors tell it in words only."""
    if isinstance(error, OSError):
        return os.strerror(error.errno) if error.errno in _HOPELESS else None
    told = str(error).splitlines()[0]  # it names the file, which may also be one that DuckDB spilled to
    return told if any(os.strerror(number) in told for number in _HOPELESS) else None


def is_local(target: UPath) -> bool:
    """Whether ``target`` lies on a disk of this machine."""
    return target.protocol in ("", "file", "local")


def local_path(target: UPath) -> Path:
    """A local ``target`` as an ordinary path."""
    return Path(target.path)


def sweep_abandoned(folder: Path, name: str) -> None:
    """Remove what killed writers of ``name`` left: their process is gone, or their file is old."""
    for leftover in folder.glob(f"{TEMPORARY_PREFIX}*-*-*-{name}"):
        host, pid, _ = leftover.name.removeprefix(TEMPORARY_PREFIX).removesuffix(f"-{name}").rsplit("-", 2)
        try:
            old = time.time() - leftover.stat().st_mtime > ABANDONED_SECONDS
            if old or (host == _HOST and not _is_alive(int(pid))):
                leftover.unlink()
        except FileNotFoundError:
            continue  # another process swept it first


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
