"""Which files a source names, in which order, in which format and with which columns."""

import glob
import gzip
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import IO

from rec_assets.core.errors import SourceError

SUFFIXES = (".csv", ".csv.gz", ".zip", ".parquet")

# The names under which each column is found without being told, the standard name first.
COLUMN_NAMES = {
    "row_id": ("row_id",),
    "user_id": ("user_id",),
    "playlist": ("playlist", "playlistname"),
    "artist": ("artist", "artistname"),
    "track": ("track", "trackname"),
}
REQUIRED_COLUMNS = ("user_id", "playlist", "artist", "track")

# No CSV writer puts a space between a comma and an opening quote; the public playlists file does.
_UNESCAPED_HEADER = re.compile(r'^"[^"]*"(?:, "[^"]*")+$')


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
        SourceError: nothing is there, or a folder holds no file with a known suffix.
    """
    path = Path(location).expanduser()
    if "://" in location:
        raise SourceError(
            f"source {location!r} is a URL; expected a file, a folder or a glob pattern on this machine. "
            "Download it first and give its path."
        )
    if path.is_dir():
        return _require(
            [p for p in path.iterdir() if p.is_file() and p.name.endswith(SUFFIXES) and p.name[0] != "."],
            f"folder {path} holds no file that ends in {', '.join(SUFFIXES)}",
        )
    if path.exists():
        return [path]
    if glob.has_magic(location):
        return _require(
            [Path(p) for p in glob.glob(str(path), recursive=True) if Path(p).is_file()],
            f"no file matches the pattern {location!r}",
        )
    raise SourceError(
        f"source {path} does not exist. Set `source` of raw_playlists, or the environment variable "
        "REC_ASSETS_SOURCE, to a file, a folder or a glob pattern."
    )


def _require(paths: list[Path], complaint: str) -> list[Path]:
    if not paths:
        raise SourceError(f"{complaint}. Set `source` to playlist files.")
    return sorted(paths)


def content_digest(paths: list[Path]) -> str:
    """SHA-256 over the bytes of ``paths`` in order: the version of the data, wherever the files lie."""
    digest = hashlib.sha256()
    for path in paths:
        with path.open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


@contextmanager
def open_text_file(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a text file, unpacked if its name ends in ``.gz`` or ``.zip``, without a byte order mark.

    Raises:
        SourceError: the archive is damaged, or a zip file does not hold exactly one CSV file.
    """
    try:
        with _unpacked(path) as raw:
            stream = io.BufferedReader(raw) if isinstance(raw, io.RawIOBase) else raw
            if stream.peek(3)[:3] == b"\xef\xbb\xbf":  # type: ignore[attr-defined]
                stream.read(3)
            yield stream
    except (gzip.BadGzipFile, zipfile.BadZipFile, EOFError) as error:
        raise SourceError(f"{path} cannot be unpacked ({error}). Download or compress it again.") from error


def _unpacked(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return gzip.open(path)  # type: ignore[return-value]
    if path.suffix != ".zip":
        return path.open("rb")
    archive = zipfile.ZipFile(path)
    members = [
        name for name in archive.namelist() if name.endswith(".csv") and not name.startswith("__MACOSX")
    ]
    if len(members) != 1:
        raise SourceError(f"{path} holds {len(members)} .csv files; expected exactly one. Unpack it yourself.")
    return archive.open(members[0])


def detect_format(path: Path, asked: SourceFormat) -> SourceFormat:
    """The format of one file.

    Raises:
        SourceError: the file is empty, or its first line is no text.
    """
    if asked is SourceFormat.parquet or (asked is SourceFormat.auto and path.suffix == ".parquet"):
        return SourceFormat.parquet
    header = read_header(path)
    if asked is not SourceFormat.auto:
        return asked
    return SourceFormat.unescaped_csv if _UNESCAPED_HEADER.match(header) else SourceFormat.csv


def read_header(path: Path, longest: int = 65_536) -> str:
    """The first line of a text file, without its line end.

    Raises:
        SourceError: the file is empty or binary, or the line is longer than ``longest`` bytes.
    """
    with open_text_file(path) as stream:
        line = stream.readline(longest)
    if not line.strip():
        raise SourceError(f"{path} is empty; expected a header line and rows of playlists.")
    if b"\0" in line or (len(line) == longest and line[-1:] != b"\n"):
        raise SourceError(
            f"{path} is not a text file in UTF-8: its first line holds "
            f"{'NUL bytes' if chr(0) in line.decode('latin-1') else 'no line end'}. "
            "Expected a .csv, .csv.gz or .zip of a CSV file in UTF-8, or a file whose name ends in .parquet."
        )
    try:
        return line.decode().rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise SourceError(f"{path}: the header is not UTF-8 ({error}). Convert the file to UTF-8.") from error


def find_columns(path: Path, names: list[str], columns: Mapping[str, str]) -> dict[str, str]:
    """Standard column name to the file's own name, for each column that the file has.

    Raises:
        SourceError: a required column is missing, or ``columns`` names one that is not there.
    """
    found: dict[str, str] = {}
    for standard, usual in COLUMN_NAMES.items():
        candidates = (columns[standard],) if standard in columns else usual
        match = next((name for name in candidates if name in names), None)
        if match is not None:
            found[standard] = match
        elif standard in columns or standard in REQUIRED_COLUMNS:
            raise SourceError(
                f"{path} has no column {' or '.join(map(repr, candidates))} for `{standard}`; it has "
                f"{', '.join(map(repr, names))}. Name the right one in the setting `columns`, "
                f"for example {{{standard}: {names[0]}}}."
            )
    return found
