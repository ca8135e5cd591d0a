"""Which files a source names, in which order, what of it is left out, and whether they changed."""

import errno
import glob
import gzip
import hashlib
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath
from typing import IO

from rec_assets.core.base.errors import SourceError

SUFFIXES = (".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet")
_PACKED = (*SUFFIXES, *(f"{suffix}.gz" for suffix in SUFFIXES), ".zip")
_FILES_NAMED = 3
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
GZIP, ZIP = b"\x1f\x8b", b"PK\x03\x04"


@dataclass(frozen=True)
class SourceFile:
    """A file on this machine, or a ``member`` of a zip archive; ``url`` is where it was fetched from."""

    path: Path
    member: str = ""
    url: str = ""

    def __str__(self) -> str:
        """As messages name it."""
        place = self.url or str(self.path)
        return f"{place}/{self.member}" if self.member else place

    @property
    def name(self) -> str:
        """Without its folder."""
        return PurePath(self.member or self.path).name

    @property
    def folder(self) -> str:
        """The name of its folder; of a zip archive's top level, that of the archive."""
        inside = PurePath(self.member).parent.name if self.member else ""
        return inside or (self.path.stem if self.member else self.path.absolute().parent.name)

    @property
    def stem(self) -> str:
        """The name without what says how it is written."""
        name = self.name
        for suffix in (".gz", *SUFFIXES, ".txt", ".dat"):
            name = name[: -len(suffix)] if name.lower().endswith(suffix) else name
        return name

    @contextmanager
    def open(self) -> Iterator[IO[bytes]]:
        """Its bytes, unpacked, without a byte order mark.

        Raises SourceError: it is missing, may not be read, or is a damaged archive.
        """
        with readable(self), self._opened() as raw:
            packed = raw.peek(2)[:2] == GZIP  # type: ignore[attr-defined]
            stream = gzip.open(raw) if packed else raw  # noqa: SIM115 - closed with `raw`
            if stream.peek(3)[:3] == _BYTE_ORDER_MARK:  # type: ignore[attr-defined]
                stream.read(3)
            yield stream  # type: ignore[misc]

    def _opened(self) -> IO[bytes]:
        if not self.member:
            return self.path.open("rb")
        try:
            return zipfile.ZipFile(self.path).open(self.member)
        except RuntimeError as error:  # encrypted, or compressed by a method that Python does not know
            raise SourceError(f"{self} cannot be unpacked: {error}. Unpack the archive yourself.") from error


@contextmanager
def readable(file: SourceFile | Path | str) -> Iterator[None]:
    """A block that reads ``file``. Raises SourceError: it is missing, may not be read, or is a damaged archive."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        raise SourceError(
            f"{file} cannot be opened: {error.strerror or error}. Set `source` to a file that may be read, or change "
            "its permissions."
        ) from error
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error) as error:
        raise SourceError(f"{file} cannot be unpacked: {error}. Download or compress it again.") from error
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        raise SourceError(  # a place that cannot be, in a damaged archive
            f"{file} cannot be unpacked: its table of contents is damaged. Download or compress it again."
        ) from error


@dataclass(frozen=True)
class Located:
    """The ``files`` that a source names, in order, and what its folders hold besides."""

    files: list[SourceFile]
    left_out: list[str] = field(default_factory=list)


def locate(location: str) -> Located:
    """The files that ``location`` names: numbers in names sort as numbers, folders are read with what is below them.

    Raises SourceError: nothing is there, it may not be read or is no file, or a folder holds no file with a known
    suffix.
    """
    path = Path(location).expanduser()
    if "://" in location:
        raise SourceError(
            f"source {location!r} is a URL; expected a file, a folder or a glob pattern on this machine, or "
            "a URL such as s3://bucket/folder. Download it first and give its path."
        )
    with readable(path):
        if path.is_dir():
            return _in_folder(path)
        if path.is_file():
            return Located([SourceFile(path)])
        if path.exists():
            raise SourceError(f"source {path.absolute()} is neither a file nor a folder. Set `source` to one of them.")
    if glob.has_magic(location):
        found = [name for name in glob.glob(str(path), recursive=True) if Path(name).is_file()]
        names = in_order(found, f"no file matches the pattern {str(path.absolute())!r}")
        return Located([SourceFile(Path(name)) for name in names])
    # Absolute, because a relative path that is right elsewhere is the usual mistake.
    raise SourceError(
        f"source {path.absolute()} does not exist; expected a file, a folder or a glob pattern. Set `source` of "
        "raw_playlists, or the environment variable REC_ASSETS_SOURCE, to your playlists."
    )


def _in_folder(folder: Path) -> Located:
    found, left_out = [], []
    for name, folders, names in os.walk(folder, onerror=_raise):
        here = Path(name)
        folders[:] = [one for one in folders if is_shown(one)]
        left_out += [f"{here / one} (a link to a folder)" for one in folders if (here / one).is_symlink()]
        for path in (here / one for one in names if is_shown(one)):
            (found if path.is_file() else left_out).append(str(path))
    taken, left_out = choose(found, left_out, f"folder {folder.absolute()}")
    return Located([SourceFile(Path(name)) for name in taken], left_out)


def choose(names: Sequence[str], others: Sequence[str], folder: str) -> tuple[list[str], list[str]]:
    """Those of ``names``, which are in ``folder``, that are playlist files, in order; and the rest with ``others``.

    Raises SourceError: none is.
    """
    taken = [name for name in names if name.lower().endswith(_PACKED)]
    left_out = sorted({*names, *others}.difference(taken))
    endings = ", ".join((*SUFFIXES, ".zip"))
    held = f", but {name_files(left_out)}" if left_out else ""
    return in_order(taken, f"{folder} holds no file that ends in {endings}{held}"), left_out


def _raise(error: OSError) -> None:
    raise error


def is_shown(name: str) -> bool:
    """Whether a file or folder of this ``name`` is read at all."""
    return not name.startswith((".", "__MACOSX"))


def in_order(names: list[str], complaint: str) -> list[str]:
    """The ``names`` of files in the order in which they are read. Raises SourceError: ``complaint``; there are none."""
    if not names:
        raise SourceError(f"{complaint}. Set `source` to playlist files.")
    return sorted(names, key=_in_natural_order)


def _in_natural_order(name: str) -> tuple:
    """A key by which ``list 2`` comes before ``list 10``."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in parts], name


def open_archives(located: Located) -> tuple[list[SourceFile], list[str]]:
    """The files with the members of zip archives in their place, and what is left out of those.

    Raises SourceError: an archive is damaged, or holds nothing that can be read.
    """
    files, left_out = [], list(located.left_out)
    for file in located.files:
        with readable(file), file.path.open("rb") as packed:
            is_archive = packed.read(len(ZIP)) == ZIP
        members, others = _members(file) if is_archive else ([file], [])
        files += members
        left_out += others
    return files, left_out


def _members(file: SourceFile) -> tuple[list[SourceFile], list[str]]:
    with readable(file), zipfile.ZipFile(file.path) as archive:
        names = [info.filename for info in archive.infolist() if not info.is_dir()]
    if "[Content_Types].xml" in names:
        raise SourceError(f"{file} is an Excel workbook. Save the sheet as CSV in UTF-8, and set `source` to that.")
    shown = [name for name in names if all(map(is_shown, PurePath(name).parts))]
    known = [name for name in shown if name.lower().endswith(_PACKED) and not name.lower().endswith(".zip")]
    taken = known or shown if len(shown) == 1 else known
    if not taken:
        raise SourceError(
            f"{file} holds {name_files(shown) or 'nothing'}; expected files that end in {', '.join(SUFFIXES)}. Unpack "
            "it, and set `source` to what holds the playlists."
        )
    taken.sort(key=_in_natural_order)
    return [replace(file, member=name) for name in taken], [f"{file}/{name}" for name in shown if name not in taken]


def name_files(files: Sequence[object]) -> str:
    """``files`` for a message: the first three, and how many more."""
    named = ", ".join(map(str, files[:_FILES_NAMED]))
    return named if len(files) <= _FILES_NAMED else f"{named} and {len(files) - _FILES_NAMED} more"


def content_digest(files: Sequence[SourceFile]) -> str:
    """SHA-256 over the bytes of ``files`` in order: the version of the data, wherever the files are.

    Raises SourceError: two of them have the same content, which would count every playlist twice.
    """
    digest, seen = hashlib.sha256(), {}
    for file in files:
        with readable(file), file._opened() as stream:
            own = hashlib.sha256()
            while block := stream.read(1 << 20):
                own.update(block)
        if own.digest() in seen:
            raise SourceError(
                f"{seen[own.digest()]} and {file} have the same content, so that every playlist would be read twice. "
                "Remove one of them, or set `source` to the other."
            )
        seen[own.digest()] = file
        digest.update(own.digest())
    return digest.hexdigest()


def fingerprint(paths: Sequence[Path]) -> str:
    """A digest of names, sizes and times of ``paths``; another one means that a file was probably written to.

    Raises OSError: a file is gone, or may not be read.
    """
    found = [(str(path.absolute()), path.stat().st_size, path.stat().st_mtime_ns) for path in paths]
    return hashlib.sha256(repr(found).encode()).hexdigest()[:16]
