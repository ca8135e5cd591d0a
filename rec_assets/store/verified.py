"""Checks the bytes of a file once for each of its versions, and remembers that it did.

A file counts as checked while its place on the disk, its size and both of its times are the same: writing to it
changes the time of change, which no program can set. A disk that loses bits does not change it, so callers for whom
a wrong answer is costly check again.
"""

import hashlib
import os
from contextlib import suppress
from pathlib import Path

from rec_assets.core.base.seal import verify_seal

_seen: set[str] = set()


def verify(path: Path, *, again: bool = False) -> None:
    """Check the bytes of ``path``, unless this process did before; ``again`` = even then.

    Raises UnreadableError: the file is damaged, or has no checksum; FileNotFoundError: there is no file.
    """
    signature = _signature(path)
    if again or signature not in _seen:
        verify_seal(path)
        _seen.add(signature)


def verify_for_readers(path: Path) -> None:
    """As :func:`verify`, unless any process of this user checked it before; raises the same."""
    signature = _signature(path)
    marker = _marker(signature)
    if signature not in _seen and not (marker and marker.exists()):
        verify_seal(path)
        with suppress(OSError):  # a home that cannot be written to: every process checks for itself
            if marker:
                marker.parent.mkdir(parents=True, exist_ok=True)
                marker.touch()
    _seen.add(signature)


def _signature(path: Path) -> str:
    found = path.stat()
    facts = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return hashlib.sha256(f"{path.resolve()} {facts}".encode()).hexdigest()


def _marker(signature: str) -> Path | None:
    """An empty file in the user's cache that says that a file was checked; None if there is no such folder."""
    cache = user_cache()
    return cache / "verified" / signature if cache else None


def user_cache() -> Path | None:
    """The folder of this package in the user's cache, which may not exist yet; None if the user has no home."""
    home = os.environ.get("HOME", "")
    cache = os.environ.get("XDG_CACHE_HOME") or (f"{home}/.cache" if home else "")
    return Path(cache) / "rec_assets" if cache else None
