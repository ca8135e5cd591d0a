r"""The dialect of the public #nowplaying playlists file: every field quoted, no quote inside escaped.

``"user","Osmani Garcia "La Voz"","El Taxi","Ecuador"`` is one row of four fields. A general CSV reader
splits such rows wrongly or drops them silently, so lines are cut at ``","`` and nowhere else. The
published description names ``\`` as the escape character; ``\"`` inside a field is read as a quote.

A field that itself holds ``","`` or a line break looks like two fields or two rows: such lines are rejected,
with their number and text, never guessed at.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rec_assets.core.base.arrow import number_column
from rec_assets.core.playlists.readers.columns import Layout, find_columns
from rec_assets.core.playlists.readers.files import SourceFile
from rec_assets.core.playlists.readers.kinds import first_line
from rec_assets.core.playlists.readers.lines import BLANK, NOT_UTF8, blocks_of_lines
from rec_assets.core.playlists.readers.settings import SourceFormat, SourceSettings

BLOCK_BYTES = 8 << 20
_BLANKS_AT_ONCE = 100_000
LINES = pa.schema([("line_number", pa.int64()), ("line", pa.string()), ("fault", pa.string())])


def inspect(file: SourceFile, head: bytes, settings: SourceSettings) -> Layout:
    """How ``file``, which begins with ``head``, is written. Raises SourceError: its header is no text."""
    line = first_line(file, head)
    names = [name.strip('"') for name in line.split(", ")]
    if len(names) == 1:  # the same dialect, but without the space after each comma in its header
        names = line.strip('"').split('","')
    columns = find_columns(file, settings.header or names, settings.columns, settings.order_column)
    return Layout(SourceFormat.unescaped_csv, columns, header_lines=0 if settings.header else 1)


def columns_sql(layout: Layout) -> str:
    """SQL over :func:`batches`, each with its ``file_number``: that, ``line_number, place``, the columns that are
    read by their standard names, ``text, fault``.
    """
    names = list(layout.columns.names)
    own = layout.columns.own().items()
    fields = "".join(
        f"""replace(fields[{names.index(name) + 1}], '\\"', '"') AS {standard}, """ for standard, name in own
    )
    return f"""
        SELECT file_number, line_number, line_number - {layout.header_lines + 1} AS place, {fields} line AS text,
            CASE WHEN fault IS NOT NULL THEN fault
                 WHEN line = '' THEN '{BLANK}'
                 WHEN fields IS NULL THEN 'does not begin and end with a quote'
                 WHEN len(fields) <> {len(names)}
                 THEN len(fields) || ' fields instead of {len(names)}' END AS fault
        FROM (
            SELECT *, CASE WHEN length(line) >= 2 AND starts_with(line, '"') AND ends_with(line, '"')
                THEN string_split(line[2:-2], '","') END AS fields
            FROM batches
        )"""


def batches(file: SourceFile, layout: Layout) -> Iterator[pa.RecordBatch]:
    """The lines after the header; blank lines at the end of the file hold nothing and are left out.

    Raises SourceError: a damaged archive, or a line that never ends.
    """
    line_number, blanks = layout.header_lines + 1, 0
    for block in blocks_of_lines(file, layout.header_lines, BLOCK_BYTES):
        filled = block.rstrip(b"\r\n")
        ends = block[len(filled) :].count(b"\n")
        if not filled:
            blanks += ends
            continue
        yield from _blank_batches(line_number, blanks)
        line_number += blanks
        batch = _split_lines(filled, line_number)
        yield batch
        line_number, blanks = line_number + batch.num_rows, max(0, ends - 1)


def _blank_batches(line_number: int, count: int) -> Iterator[pa.RecordBatch]:
    for first in range(0, count, _BLANKS_AT_ONCE):
        yield _split_lines(b"\n" * (min(_BLANKS_AT_ONCE, count - first) - 1), line_number + first)


def _split_lines(block: bytes, first_line_number: int) -> pa.RecordBatch:
    # One trailing carriage return per line belongs to the line end; one inside a field stays.
    block = block.removesuffix(b"\r").replace(b"\r\n", b"\n")
    whole = pa.LargeBinaryArray.from_buffers(
        pa.large_binary(), 1, [None, pa.py_buffer(np.array([0, len(block)])), pa.py_buffer(block)]
    )
    lines = pc.split_pattern(whole, pattern=b"\n").values  # type: ignore[attr-defined]
    numbers = number_column(np.arange(first_line_number, first_line_number + len(lines)), pa.int64())
    try:
        block.decode()
        return pa.record_batch(
            [numbers, lines.cast(pa.large_string()).cast(pa.string()), pa.nulls(len(lines), pa.string())], schema=LINES
        )
    except UnicodeDecodeError:
        text, faults = zip(*(_decode(line) for line in lines.to_pylist()), strict=True)
        return pa.record_batch([numbers, pa.array(text), pa.array(faults, pa.string())], schema=LINES)


def _decode(line: bytes) -> tuple[str, str | None]:
    try:
        return line.decode(), None
    except UnicodeDecodeError:
        return line.decode(errors="backslashreplace"), NOT_UTF8
