"""A checksum inside each stored file, over all its bytes, which is checked before anything parses them.

It is the text ``crc32:`` and ten digits near the end of the file: in the footer of a parquet file, in the last tensor
of a model, in the last line of JSON or HTML. The checksum is that of the file with zeros for digits, so a file of any
format can hold its own. CRC-32 finds every damage of up to 32 bits in a row. It is no protection against forgery.
"""

import json
import mmap
import os
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rec_assets.core.base.errors import UnreadableError

UNSEALED = "crc32:0000000000"
_CHECKSUM = "checksum"
_SEAL = re.compile(rb"crc32:\d{10}")
# The checksum is within so many bytes of the end: after it comes at most the end of a parquet footer.
_TAIL = 65_536


def seal(path: Path) -> None:
    """Put the checksum in the place of the last ``UNSEALED`` in the file ``path``.

    Raises:
        ValueError: there is no such place near the end of the file.
    """
    with path.open("r+b") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        place = _find(content)
        if place is None:
            raise ValueError(f"{path} has no place for a checksum")
        digits = b"crc32:%010d" % _checksum(content, place)
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
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            place = _find(content)
            if place is None:
                raise UnreadableError(
                    "has no checksum: it is damaged, or an older version of rec_assets or another program wrote it"
                )
            if content[place : place + len(UNSEALED)] != b"crc32:%010d" % _checksum(content, place):
                raise UnreadableError("is damaged: its bytes are not those that were written")


def _find(content: mmap.mmap) -> int | None:
    start = max(0, len(content) - _TAIL)
    found = [match.start() for match in _SEAL.finditer(content[start:])]
    return start + found[-1] if found else None


def _checksum(content: mmap.mmap, place: int) -> int:
    with memoryview(content) as view:
        before = zlib.crc32(UNSEALED.encode(), zlib.crc32(view[:place]))
        return zlib.crc32(view[place + len(UNSEALED) :], before)


def write_json(document: Mapping[str, Any], path: Path) -> None:
    """Write ``document`` as JSON for people, too: indented, every letter as it is, the checksum in the last line.

    Raises:
        ValueError: a number is not finite.
    """
    sealed = {**document, _CHECKSUM: UNSEALED}
    path.write_text(json.dumps(sealed, indent=2, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")
    seal(path)


def read_json(path: Path) -> dict[str, Any]:
    """The document of a JSON file whose bytes were checked.

    Raises:
        UnreadableError: it is no JSON of this package.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        del document[_CHECKSUM]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableError(f"is no JSON file of this package ({error!r})") from error
    return document
