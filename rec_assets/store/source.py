"""Where the playlists come from: files of this machine, or objects of a bucket, which are fetched first."""

import glob
import hashlib
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rec_assets.core.base.errors import StoreError
from rec_assets.core.playlists.readers.files import (
    Located,
    SourceFile,
    choose,
    fingerprint,
    in_order,
    is_shown,
    locate,
    readable,
)
from rec_assets.paths import refuse_credentials
from rec_assets.store.local import is_s3
from rec_assets.store.places import place


@dataclass(frozen=True)
class Source:
    """What a source names, looked at and not read yet.

    Attributes:
        names: of its files, in order.
        fingerprint: a digest of names, sizes and times (of objects: ETags); another one means that one was written to.
        fetch: puts objects into a new folder, as they are, and tells which files are to be read.
    """

    names: list[str]
    fingerprint: str
    fetch: Callable[[Path], Located]


def find_source(location: str) -> Source:
    """The files or objects that ``location`` names, a path or a URL of S3; objects are found as files are.

    Raises SourceError: as :func:`locate`; SettingsError: it holds credentials; UnreachableError: the endpoint does not
    answer; OSError: a file is gone.
    """
    if not is_s3(refuse_credentials(location)):
        located = locate(location)
        paths = [file.path for file in located.files]
        return Source(list(map(str, paths)), fingerprint(paths), lambda _: located)
    with readable(location):
        found, left_out = _objects(location)
    facts = [(url, info["size"], info["ETag"]) for url, info in found.items()]
    digest = hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    return Source(list(found), digest, lambda folder: Located(_fetch(location, found, folder), left_out))


def _objects(location: str) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Facts of the objects of ``location`` by their URLs, in order, and what lies beside them."""
    root = place(location.rstrip("/"))
    files: Any = root.fs
    found, folder = files.find(root.path, detail=True), root.path
    if root.path in found:
        return {f"s3://{root.path}": found[root.path]}, []
    if is_pattern := not found and glob.has_magic(location):
        found, folder = files.glob(root.path, detail=True), re.split(r"[*?[]", root.path)[0].rpartition("/")[0]
    below = {name: name.removeprefix(f"{folder}/").split("/") for name, info in found.items() if info["type"] == "file"}
    shown = {f"s3://{name}": found[name] for name, parts in below.items() if all(map(is_shown, parts))}
    if is_pattern:
        names, left_out = in_order(list(shown), f"no object matches the pattern {location!r}"), []
    else:
        names, left_out = choose(list(shown), [], f"{location} is no object and")
    return {name: shown[name] for name in names}, left_out


def _fetch(location: str, found: dict[str, dict[str, Any]], folder: Path) -> list[SourceFile]:
    files, needed, free = [], sum(info["size"] for info in found.values()), shutil.disk_usage(folder).free
    if needed > free:
        raise StoreError(
            f"source {location} is {needed / 1e9:,.1f} GB, and {folder}, where it is read, has {free / 1e9:,.1f} GB "
            "free. Set the environment variable TMPDIR to a folder on a larger disk."
        )
    objects = place(location).fs
    for number, url in enumerate(found):
        # Below the name of its own folder, which may name a playlist.
        _, parent, name = f"/{url}".rsplit("/", 2)
        copy = folder / str(number) / parent / name
        copy.parent.mkdir(parents=True)
        files.append(SourceFile(copy, url=url))
        with readable(files[-1]):
            objects.get_file(url, str(copy))
    return files
