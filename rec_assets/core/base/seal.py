"""A checksum inside each stored file, over all its bytes, which is checked before anything parses them.

It is the text ``crc32:`` and ten digits near the end of the file: in the footer of a parquet file, in the last tensor
of a model, in the last line of JSON or HTML. The checksum is that of the file with zeros for digits, so a file of any
format can hold its own. CRC-32 finds every damage of up to 32 bits in a row. It is no protection against forgery.
"""

import json
import os
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from rec_assets.core.base.errors import UnreadableError

UNSEALED = "crc32:0000000000"
_CHECKSUM = "checksum"
_SEAL = re.compile(rb"crc32:\d{10}")
# The checksum is within so many bytes of the end: after it comes at most the end of a parquet footer.
_TAIL = 65_536
_BLOCK = 1_048_576


def seal(path: Path) -> None:
    """Put the checksum in the place of the last ``UNSEALED`` in the file ``path``.

    Raises:
        ValueError: there is no such place near the end of the file.
    """
    with path.open("r+b") as file:
        place, _ = _find(file)
        if place is None:
            raise ValueError(f"{path} has no place for a checksum")
        digits = _digits(file, place)
        file.seek(place)
        file.write(digits)


def verify_seal(path: Path) -> None:
    """Read every byte of ``path`` (about a second for a gigabyte) and compare with the checksum inside.

    Raises:
        UnreadableError: the file is damaged, or has no checksum.
        FileNotFoundError: there is no file.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise UnreadableError("is empty")
        place, found = _find(file)
        if place is None:
            raise UnreadableError(
                "has no checksum: it is damaged, or an older version of rec_assets or another program wrote it"
            )
        if found != _digits(file, place):
            raise UnreadableError("is damaged: its bytes are not those that were written")


def _find(file: BinaryIO) -> tuple[int | None, bytes]:
    """Where the last checksum stands, and its text."""
    start = max(0, file.seek(0, os.SEEK_END) - _TAIL)
    file.seek(start)
    found = list(_SEAL.finditer(file.read()))
    return (start + found[-1].start(), found[-1].group()) if found else (None, b"")


def _digits(file: BinaryIO, place: int) -> bytes:
    """The text of the checksum of ``file``. It is read and not mapped, which would count as memory of the process."""
    file.seek(0)
    total, left = 0, place
    while left and (block := file.read(min(_BLOCK, left))):
        total, left = zlib.crc32(block, total), left - len(block)
    total = zlib.crc32(UNSEALED.encode(), total)
    file.seek(place + len(UNSEALED))
    while block := file.read(_BLOCK):
        total = zlib.crc32(block, total)
    return b"crc32:%010d" % total


def write_json(document: Mapping[str, Any], path: Path) -> None:
    """Write ``document`` as JSON for people, too: indented, every letter as it is, the checksum in the last line.

    Raises:
        ValueError: a number is not finite.
    """
    sealed = {**document, _CHECKSUM: UNSEALED}
    path.write_text(json.dumps(sealed, indent=2, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")
    seal(path)


def refuse_constant(name: str) -> None:
    """Raises ValueError: ``NaN`` and ``Infinity``, which Python reads, are no numbers of JSON."""
    raise ValueError(f"{name} is no number of JSON")


def read_json(path: Path) -> dict[str, Any]:
    """The document of a JSON file whose bytes were checked.

    Raises:
        UnreadableError: it is no JSON of this package.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse_constant)
        del document[_CHECKSUM]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableError(f"is no JSON file of this package ({error!r})") from error
    return document
