"""Which files a source names, in which order and in which format."""

import glob
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from rec_assets.core.base.errors import SourceError
from rec_assets.core.playlists.readers.text_files import read_header, readable

SUFFIXES = (".csv", ".csv.gz", ".zip", ".parquet")

# No CSV writer puts a space between a comma and an opening quote; the public playlists file does.
_UNESCAPED_HEADER = re.compile(r'^"[^"]*"(?:, "[^"]*")+$')
_FILES_NAMED = 3


class SourceFormat(Enum):
    """How the rows are written; ``auto`` looks at each file's suffix and first line."""

    auto = "auto"
    unescaped_csv = "unescaped_csv"
    csv = "csv"
    parquet = "parquet"


@dataclass(frozen=True)
class PlaylistSource:
    """Where playlist rows come from.

    Attributes:
        location: a file, a folder or a glob pattern.
        format: how the files are written.
        columns: standard column name to the file's name for it, where they differ.
    """

    location: str
    format: SourceFormat = SourceFormat.auto
    columns: Mapping[str, str] = field(default_factory=dict)


def locate_files(location: str) -> list[Path]:
    """The files that ``location`` names, in sorted order.

    Raises:
        SourceError: nothing is there, it may not be read, or a folder holds no file with a known suffix.
    """
    path = Path(location).expanduser()
    if "://" in location:
        raise SourceError(
            f"source {location!r} is a URL; expected a file, a folder or a glob pattern on this machine. "
            "Download it first and give its path."
        )
    with readable(path):
        if path.is_dir():
            return _require(
                [p for p in path.iterdir() if p.is_file() and p.name.lower().endswith(SUFFIXES) and p.name[0] != "."],
                f"folder {path.absolute()} holds no file that ends in {', '.join(SUFFIXES)}",
            )
        if path.exists():
            return [path]
    if glob.has_magic(location):
        return _require(
            [Path(p) for p in glob.glob(str(path), recursive=True) if Path(p).is_file()],
            f"no file matches the pattern {str(path.absolute())!r}",
        )
    # Absolute, because a relative path that is right elsewhere is the usual mistake.
    raise SourceError(
        f"source {path.absolute()} does not exist; expected a file, a folder or a glob pattern. Set `source` of "
        "raw_playlists, or the environment variable REC_ASSETS_SOURCE, to your playlists."
    )


def _require(paths: list[Path], complaint: str) -> list[Path]:
    if not paths:
        raise SourceError(f"{complaint}. Set `source` to playlist files.")
    return sorted(paths)


def name_files(paths: Sequence[Path]) -> str:
    """``paths`` for a message: the first three, and how many more."""
    named = ", ".join(map(str, paths[:_FILES_NAMED]))
    return named if len(paths) <= _FILES_NAMED else f"{named} and {len(paths) - _FILES_NAMED} more"


def content_digest(paths: list[Path]) -> str:
    """SHA-256 over the bytes of ``paths`` in order: the version of the data, wherever the files lie."""
    digest = hashlib.sha256()
    for path in paths:
        with readable(path), path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def detect_format(path: Path, asked: SourceFormat) -> SourceFormat:
    """The format of one file.

    Raises:
        SourceError: the file is empty, or its first line is no text.
    """
    if asked is not SourceFormat.auto:
        return asked
    if path.suffix.lower() == ".parquet":
        return SourceFormat.parquet
    return SourceFormat.unescaped_csv if _UNESCAPED_HEADER.match(read_header(path)) else SourceFormat.csv
