"""Places by folder or URL, and local copies of objects, which are fetched once for each of their versions."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from upath import UPath

from rec_assets.core.base.errors import SettingsError
from rec_assets.store.atomic import download
from rec_assets.store.local import is_s3
from rec_assets.store.stamps import version_of
from rec_assets.store.verified import user_cache

# The version that is read, and the one before: readers of the old one may still be opening it.
_KEPT = 2


def place(base: str) -> UPath:
    """A folder or URL as a path. Raises SettingsError: a URL of S3, and the package for it is not installed."""
    if not is_s3(base):
        return UPath(base)
    try:
        from rec_assets.store.s3 import BOUNDED  # takes half a second
    except ImportError as error:
        raise SettingsError(f"{base} needs s3fs. Run: pip install -c constraints.txt -e '.[s3]'") from error
    options: Any = {BOUNDED: True}
    return UPath(base, **options)


def cached_copy(target: UPath, scratch: Path) -> Path:
    """A local copy of the object ``target``: that of the user's cache, if it is of the version (ETag) that is there.

    Processes share the copy and its memory; of the objects beside ``target`` the last two that were used are kept.
    Without a cache that can be written to, it is in ``scratch``. Raises FileNotFoundError: there is no such object.
    """
    version = version_of(target)
    with _turn(target, scratch) as folder:
        copy = folder / f"{hashlib.sha256(version.encode()).hexdigest()[:16]}-{target.name}"
        if not copy.exists():
            download(target, copy)
        os.utime(copy)
        copies = sorted(folder.glob("*-*"), key=lambda path: path.stat().st_mtime)
        for unused in copies[:-_KEPT]:
            unused.unlink()
    return copy


@contextmanager
def _turn(target: UPath, scratch: Path) -> Iterator[Path]:
    """The folder of copies of what is beside ``target``, for one process at a time: two would fetch the same."""
    name = Path("copies") / hashlib.sha256(str(target.parent).encode()).hexdigest()[:16]
    cache = user_cache()
    for folder in ([cache / name] if cache else []) + [scratch / name]:
        with suppress(OSError):  # the cache cannot be written to
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = (folder / ".lock").open("w")
            break
    else:
        raise SettingsError(f"{scratch} cannot be written to. Set TMPDIR to a folder that can.")
    with lock:
        with suppress(OSError):  # a file system without locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
