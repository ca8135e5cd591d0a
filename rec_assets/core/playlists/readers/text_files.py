"""Text files as bytes: compressed or plain, and what is wrong with files that are not text."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rec_assets.core.base.errors import SourceError

NOT_UTF8 = "not UTF-8"  # a reason for a reject
_LONGEST_HEADER = 65_536
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_EXPECTED = "Expected a CSV file in UTF-8 (.csv, .csv.gz or .zip), or a parquet file whose name ends in .parquet."
# The first bytes of files that people take for CSV.
_OTHER_KINDS = {
    b"PAR1": "a parquet file. Set `format` to parquet, or let its name end in .parquet.",
    b"PK\x03\x04": "a zip archive or an Excel workbook. Save it as CSV, or let its name end in .zip.",
    b"\x1f\x8b": "a gzip file. Let its name end in .gz.",
    b"\xff\xfe": "text in UTF-16. Save it in UTF-8.",
    b"\xfe\xff": "text in UTF-16. Save it in UTF-8.",
}


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """A block that reads ``path``. Raises SourceError: it is missing, may not be read, or is a damaged archive."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError, PermissionError) as error:
        raise SourceError(
            f"{path} cannot be opened: {error.strerror}. Set `source` to a file that may be read, or change its "
            "permissions."
        ) from error
    except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise SourceError(f"{path} cannot be unpacked: {error}. Download or compress it again.") from error


@contextmanager
def open_text_file(path: Path) -> Iterator[IO[bytes]]:
    """The bytes of a text file, unpacked if its name ends in ``.gz`` or ``.zip``, without a byte order mark.

    Raises SourceError: see :func:`readable`; or a zip file does not hold exactly one CSV file.
    """
    with readable(path), _unpacked(path) as stream:
        if stream.peek(3)[:3] == _BYTE_ORDER_MARK:  # type: ignore[attr-defined]
            stream.read(3)
        yield stream


def _unpacked(path: Path) -> IO[bytes]:
    match path.suffix.lower():
        case ".gz":
            return gzip.open(path)  # type: ignore[return-value]
        case ".zip":
            return _only_member(zipfile.ZipFile(path), path)
        case _:
            return path.open("rb")


def _only_member(archive: zipfile.ZipFile, path: Path) -> IO[bytes]:
    names = [n for n in archive.namelist() if n.lower().endswith(".csv") and not n.startswith("__MACOSX")]
    if len(names) != 1:
        raise SourceError(f"{path} holds {len(names)} .csv files; expected exactly one. Unpack it yourself.")
    try:
        return archive.open(names[0])
    except RuntimeError as error:  # encrypted, or compressed by a method that Python does not know
        raise SourceError(f"{path} cannot be unpacked: {error}. Unpack it yourself.") from error


def read_header(path: Path) -> str:
    """The first line of a text file, without its line end.

    Raises SourceError: the file is empty, or its first line is not UTF-8 text of at most 65,536 bytes.
    """
    with open_text_file(path) as stream:
        line = stream.readline(_LONGEST_HEADER)
    if not line.strip():
        raise SourceError(
            f"{path} is empty; expected a header line and rows of playlists. Write or download it again, or set "
            "`source` to another file."
        )
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text = ""
    if not text or "\0" in text or (len(line) == _LONGEST_HEADER and not text.endswith("\n")):
        raise SourceError(f"{path} is not a CSV file in UTF-8: {_what_it_is(line)} {_EXPECTED}")
    return text.rstrip("\r\n")


def _what_it_is(line: bytes) -> str:
    for magic, kind in _OTHER_KINDS.items():
        if line.startswith(magic):
            return f"it is {kind}"
    if b"\0" in line:
        return "its first line holds NUL bytes, as binary files do."
    if len(line) == _LONGEST_HEADER:
        return f"its first line has no end within {_LONGEST_HEADER} bytes."
    return f"its first line is in another encoding: {line.rstrip()[:80]!r}. Convert it to UTF-8."
