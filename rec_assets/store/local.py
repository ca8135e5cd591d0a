"""Which places are on a disk of this machine."""

from pathlib import Path

from upath import UPath


def is_local(target: UPath) -> bool:
    """Whether ``target`` is on a disk of this machine."""
    return target.protocol in ("", "file", "local")


def local_path(target: UPath) -> Path:
    """A local ``target`` as an ordinary path."""
    return Path(target.path)
