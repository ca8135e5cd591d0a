"""Which files a source names, in which order and in which format, and whether they changed."""

import glob
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from pydantic import model_validator

from rec_assets.core.base.errors import SourceError
from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.playlists.readers.columns import COLUMN_NAMES
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


class SourceSettings(Settings):
    """Which playlist files are read, and how."""

    source: str = setting(
        "",
        "File, folder or glob pattern of playlists; empty = the environment variable REC_ASSETS_SOURCE, else the "
        "synthetic sample.",
    )
    format: SourceFormat = setting(
        SourceFormat.auto,
        "How the playlist files are written: auto, unescaped_csv (the public playlists file), csv or parquet.",
    )
    columns: dict[str, str] = setting(
        {},
        "Names of the columns in the playlist files where they differ, as "
        "{row_id|user_id|playlist|artist|track: name in the file}.",
    )
    max_reject_share: float = setting(
        0.01, "raw_playlists fails if a larger share of the rows cannot be read or placed in a playlist.", ge=0, le=1
    )

    @model_validator(mode="after")
    def _columns_are_known(self) -> "SourceSettings":
        unknown = set(self.columns) - set(COLUMN_NAMES)
        if unknown:
            raise ValueError(
                f"Setting `columns` names {', '.join(sorted(unknown))}; expected row_id, user_id, playlist, artist or "
                "track, each with its name in the file."
            )
        return self


@dataclass(frozen=True)
class PlaylistSource:
    """A file, folder or glob pattern of playlists, and how they are written; see :class:`SourceSettings`."""

    location: str
    format: SourceFormat = SourceFormat.auto
    columns: Mapping[str, str] = field(default_factory=dict)


def locate_files(location: str) -> list[Path]:
    """The files that ``location`` names, in sorted order.

    Raises SourceError: nothing is there, it may not be read, or a folder holds no file with a known suffix.
    """
    path = Path(location).expanduser()
    if "://" in location:
        raise SourceError(
            f"source {location!r} is a URL; expected a file, a folder or a glob pattern on this machine. "
            "Download it first and give its path."
        )
    with readable(path):
        if path.is_dir():
            found = [p for p in path.iterdir() if p.is_file() and p.name.lower().endswith(SUFFIXES)]
            complaint = f"folder {path.absolute()} holds no file that ends in {', '.join(SUFFIXES)}"
            return _require([p for p in found if p.name[0] != "."], complaint)
        if path.exists():
            return [path]
    if glob.has_magic(location):
        found = [Path(p) for p in glob.glob(str(path), recursive=True) if Path(p).is_file()]
        return _require(found, f"no file matches the pattern {str(path.absolute())!r}")
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
    """SHA-256 over the bytes of ``paths`` in order: the version of the data, wherever the files are."""
    digest = hashlib.sha256()
    for path in paths:
        with readable(path), path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def fingerprint(paths: Sequence[Path]) -> str:
    """A digest of names, sizes and times of ``paths``; another one means that a file was probably written to.

    Raises OSError: a file is gone, or may not be read.
    """
    found = [(str(path.absolute()), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return hashlib.sha256(repr(found).encode()).hexdigest()[:16]


def detect_format(path: Path, asked: SourceFormat) -> SourceFormat:
    """The format of one file. Raises SourceError: the file is empty, or its first line is not text."""
    if asked is not SourceFormat.auto:
        return asked
    if path.suffix.lower() == ".parquet":
        return SourceFormat.parquet
    return SourceFormat.unescaped_csv if _UNESCAPED_HEADER.match(read_header(path)) else SourceFormat.csv
