"""What a file is, by its first bytes, and what to do with one that holds no rows."""

import re

from rec_assets.core.base.errors import SourceError
from rec_assets.core.playlists.readers.files import ZIP, SourceFile
from rec_assets.core.playlists.readers.settings import SourceFormat

HEAD_BYTES = 65_536
# No CSV writer puts a space between a comma and an opening quote; the public playlists file does.
_UNESCAPED_HEADER = re.compile(r'^"[^"]*"(?:, "[^"]*")+$')
_OTHERS = {
    ZIP: "a zip archive inside another file. Unpack it, and set `source` to what it holds",
    b"BZh": "compressed by bzip2. Unpack it with bunzip2, and set `source` to what comes out",
    b"\xfd7zXZ\0": "compressed by xz. Unpack it with unxz, and set `source` to what comes out",
    b"\x28\xb5\x2f\xfd": "compressed by zstd. Unpack it with unzstd, and set `source` to what comes out",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive. Unpack it, and set `source` to what it holds",
    b"Rar!": "a rar archive. Unpack it, and set `source` to what it holds",
    b"\xff\xfe": "text in UTF-16. Save it in UTF-8",
    b"\xfe\xff": "text in UTF-16. Save it in UTF-8",
    b"version https://git-lfs": "the pointer that Git LFS keeps in place of a large file. Fetch the file itself with "
    "`git lfs pull`",
    b"/annex/objects": "the pointer that git-annex keeps in place of a large file. Fetch the file itself with "
    "`git annex get`",
    b"%PDF": "a PDF document. Set `source` to a CSV, parquet or JSON file",
    b"SQLite format 3": "an SQLite database. Export the table of the rows as CSV, and set `source` to that",
    b"ARROW1": "a feather file. Write the table as parquet, and set `source` to that",
    b"\x93NUMPY": "an array of numpy. Write the rows as parquet, and set `source` to that",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook. Save the sheet as CSV in UTF-8, and set `source` to that",
}
_HTML = re.compile(rb"\s*(<!doctype html|<html|<\?xml)", re.IGNORECASE)
_TAR_MAGIC = slice(257, 262)
_EXPECTED = "Set `source` to a CSV, parquet or JSON file of playlists."


def read_head(file: SourceFile) -> bytes:
    """The first 65,536 bytes of ``file``, unpacked. Raises SourceError: it is empty, or cannot be read."""
    with file.open() as stream:
        head = stream.read(HEAD_BYTES)
    if not head.strip():
        raise SourceError(
            f"{file} is empty; expected rows of playlists. Write or download it again, or set `source` to another file."
        )
    return head


def detect_format(file: SourceFile, head: bytes, asked: SourceFormat) -> SourceFormat:
    """The format of ``file``, which begins with ``head``.

    Raises SourceError: it is of a kind that holds no rows, or the first line is no text in UTF-8.
    """
    if head.startswith(b"PAR1"):
        return SourceFormat.parquet
    if asked is SourceFormat.parquet:
        return asked
    for magic, kind in _OTHERS.items():
        if head.startswith(magic):
            raise SourceError(f"{file} is {kind}.")
    if head[_TAR_MAGIC] == b"ustar":
        raise SourceError(f"{file} is a tar archive. Unpack it with `tar -xf`, and set `source` to the folder.")
    if _HTML.match(head):
        raise SourceError(
            f"{file} is a web page (HTML or XML) and no table, as downloads are that need a log-in. Download it again "
            "in a browser, and set `source` to the file that you get."
        )
    if asked is not SourceFormat.auto:
        return asked
    if head.lstrip()[:1] in (b"{", b"["):
        return SourceFormat.json
    return _csv_dialect(first_line(file, head), head)


def first_line(file: SourceFile, head: bytes, number: int = 1) -> str:
    """Line ``number`` of the ``head`` of a text file, without its end. Raises SourceError: it is no text in UTF-8."""
    lines = head.split(b"\n", number)
    line = lines[number - 1].rstrip(b"\r") if len(lines) >= number else b""
    if b"\0" in line:
        raise SourceError(f"{file} is no text: its first line holds NUL bytes, as binary files do. {_EXPECTED}")
    if len(lines) <= number and len(head) == HEAD_BYTES:
        raise SourceError(f"{file} is no CSV file: its first line has no end within {HEAD_BYTES:,} bytes. {_EXPECTED}")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise SourceError(
            f"{file} is not in UTF-8: its first line is {line[:80]!r}. Save it in UTF-8, for example with "
            "`iconv -f latin1 -t utf-8`."
        ) from error


def _csv_dialect(header: str, head: bytes) -> SourceFormat:
    if _UNESCAPED_HEADER.match(header):
        return SourceFormat.unescaped_csv
    rows = head.decode(errors="replace").splitlines()[1:-1]
    quoted = [_fits_dialect(row, header) for row in rows if row]
    is_broken = any(row.replace('","', "").replace('""', "").count('"') > 2 for row in rows)
    return SourceFormat.unescaped_csv if quoted and all(quoted) and is_broken else SourceFormat.csv


def _fits_dialect(line: str, header: str) -> bool:
    """Whether ``line`` is in the dialect of the public file, with as many fields as its ``header``."""
    width = header.count('","') or header.count('", "')
    return width > 0 and line[:1] == line[-1:] == '"' and line.count('","') == width
