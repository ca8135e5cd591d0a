"""Which places are on a disk of this machine, and which in a bucket of S3."""

from pathlib import Path

from upath import UPath


def is_local(target: UPath) -> bool:
    """Whether ``target`` is on a disk of this machine."""
    return target.protocol in ("", "file", "local")


def local_path(target: UPath) -> Path:
    """A local ``target`` as an ordinary path."""
    return Path(target.path)


def is_s3(base: str) -> bool:
    """Whether ``base`` is a URL of S3."""
    return base.startswith(("s3://", "s3a://"))
