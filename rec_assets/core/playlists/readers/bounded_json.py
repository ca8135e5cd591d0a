"""A stream of JSON that is refused before what it holds could fill the memory, or crash the process."""

from typing import IO

import numpy as np

from rec_assets.core.base.errors import SourceError
from rec_assets.core.playlists.readers.files import SourceFile
from rec_assets.core.playlists.readers.lines import LONGEST_LINE_BYTES

# ijson keeps the path to each level of nesting, which grows by the square of the depth: 90 KB of "[" took 4.6 GB.
_DEEPEST = 100
# The parser of ijson 3.5 crashes the whole process where Python refuses to make a number of so many digits.
_MOST_DIGITS = 600
_AS_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)
_STEP = np.zeros(256, np.int64)
_STEP[[*b"[{"]], _STEP[[*b"]}"]] = 1, -1
_OTHERS = bytes(set(range(256)) - set(b'[{]}"'))


class BoundedJson:
    """What ijson reads: ``stream``, the content of ``file``."""

    def __init__(self, file: SourceFile, stream: IO[bytes]) -> None:
        self._file, self._stream = file, stream
        self._depth = self._in_text = self._text_length = 0
        self._last_digits = b""

    def read(self, size: int = -1) -> bytes:
        """The next bytes. Raises SourceError: they are nested too deep, or of a text or a number that does not end."""
        block = self._stream.read(size)
        while size and block.endswith(b"\\") and (more := self._stream.read(1)):
            block += more
        self._look_at_levels(block)
        self._look_at_digits(block)
        return block

    def _look_at_digits(self, block: bytes) -> None:
        digits = self._last_digits + block.translate(_AS_ZEROS)
        if b"0" * (_MOST_DIGITS + 1) in digits:
            raise self._refusal(f"holds a number of more than {_MOST_DIGITS} digits")
        self._last_digits = digits[-_MOST_DIGITS:]

    def _look_at_levels(self, block: bytes) -> None:
        unescaped = block.replace(rb"\\", b"").replace(rb"\"", b"")
        # Without texts that hold no bracket, which are nearly all.
        parts = unescaped.translate(None, _OTHERS).replace(b'""', b"").split(b'"')
        brackets = b"".join(parts[self._in_text :: 2])
        depths = self._depth + np.cumsum(_STEP[np.frombuffer(brackets, np.uint8)])
        if depths.max(initial=0) > _DEEPEST:
            raise self._refusal(f"is nested deeper than {_DEEPEST} levels")
        goes_on = self._in_text and b'"' not in unescaped
        self._text_length = self._text_length + len(block) if goes_on else 0
        if self._text_length > LONGEST_LINE_BYTES:
            raise self._refusal(f"holds a text of more than {LONGEST_LINE_BYTES:,} bytes")
        self._depth = int(depths[-1]) if len(depths) else self._depth
        self._in_text ^= (len(parts) + 1) % 2

    def _refusal(self, found: str) -> SourceError:
        return SourceError(
            f"{self._file} {found}, which no playlists are. Write or download it again, or set `format` if it is "
            "another kind of file."
        )
