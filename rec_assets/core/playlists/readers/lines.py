"""The lines of a text file in blocks of bounded size."""

from collections.abc import Iterator
from typing import IO

from rec_assets.core.base.errors import SourceError
from rec_assets.core.playlists.readers.files import SourceFile

NOT_UTF8 = "not UTF-8"  # reasons for a reject
BLANK = "blank line"
BLOCK_BYTES = 1 << 20
LONGEST_LINE_BYTES = 16 << 20


def blocks_of_lines(file: SourceFile, skipped: int, block_bytes: int | None = None) -> Iterator[bytes]:
    """Blocks of whole lines behind the first ``skipped`` ones, the last without its end if the file has none; without
    NUL bytes, which no name can hold.

    Raises SourceError: a line is longer than 16 MB, or ``file`` is a damaged archive.
    """
    with file.open() as stream:
        for _ in range(skipped):
            stream.readline(LONGEST_LINE_BYTES)
        for block in _whole(stream, file, block_bytes or BLOCK_BYTES):
            yield block.replace(b"\0", b"")


def _whole(stream: IO[bytes], file: SourceFile, block_bytes: int) -> Iterator[bytes]:
    rest: list[bytes] = []  # of a line whose end has not come
    length = 0
    while block := stream.read(block_bytes):
        end = block.rfind(b"\n") + 1
        if end:
            yield b"".join([*rest, block[:end]])
            rest, length = [], 0
        rest.append(block[end:])
        length += len(block) - end
        if length > LONGEST_LINE_BYTES:
            raise SourceError(
                f"{file} has a line of more than {LONGEST_LINE_BYTES:,} bytes; expected one row of playlists per line. "
                "Set `source` to a text file, or `format` if this is another kind of file."
            )
    if last := b"".join(rest):
        yield last
