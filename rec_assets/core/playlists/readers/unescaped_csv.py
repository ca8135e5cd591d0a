r"""The dialect of the public #nowplaying playlists file: every field quoted, no quote inside escaped.

``"user","Osmani Garcia "La Voz"","El Taxi","Ecuador"`` is one row of four fields. A general CSV reader
splits such rows wrongly or drops them silently, so lines are cut at ``","`` and nowhere else. The
published description names ``\`` as the escape character; ``\"`` inside a field is read as a quote.

A field that itself holds ``","`` or a line break looks like two fields or two rows: such lines are rejected,
with their number and text, never guessed at.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from rec_assets.core.base.arrow import number_column
from rec_assets.core.base.errors import SourceError
from rec_assets.core.base.relations import sql_text
from rec_assets.core.playlists.readers.columns import REQUIRED_COLUMNS, TextRows, find_columns, row_id_sql
from rec_assets.core.playlists.readers.text_files import NOT_UTF8, open_text_file, read_header

BLOCK_BYTES = 8 << 20
LONGEST_LINE_BYTES = 64 << 20
LINES = pa.schema([("line_number", pa.int64()), ("line", pa.string()), ("fault", pa.string())])


def open_rows(path: Path, columns: dict[str, str]) -> TextRows:
    """The lines after the header.

    Raises SourceError: no usable header; from the batches: a damaged archive, or a line that never ends.
    """
    names = [name.strip('"') for name in read_header(path).split(", ")]
    if len(names) == 1:  # the same dialect, but without the space after each comma in its header
        names = names[0].split('","')
    found = find_columns(path, names, columns)
    field = {standard: f"fields[{names.index(name) + 1}]" for standard, name in found.items()}
    fields = ", ".join(f"""replace({field[standard]}, '\\"', '"') AS {standard}""" for standard in REQUIRED_COLUMNS)
    sql = f"""
        SELECT {row_id_sql(found, field.get("row_id", ""), "line_number - 2")} AS row_id, {fields},
            {sql_text(path.name)} AS source_file, line_number,
            line AS text,
            CASE WHEN fault IS NOT NULL THEN fault
                 WHEN line = '' THEN 'blank line'
                 WHEN fields IS NULL THEN 'does not begin and end with a quote'
                 WHEN len(fields) <> {len(names)}
                 THEN len(fields) || ' fields instead of {len(names)}' END AS fault
        FROM (
            SELECT *, CASE WHEN length(line) >= 2 AND starts_with(line, '"') AND ends_with(line, '"')
                THEN string_split(line[2:-2], '","') END AS fields
            FROM batches
        )"""
    return TextRows(LINES, _line_batches(path), sql, "row_id" in found)


def _line_batches(path: Path) -> Iterator[pa.RecordBatch]:
    """The lines after the header, numbered from 2; blank lines at the end of the file hold nothing and are left out."""
    with open_text_file(path) as stream:
        stream.readline()
        line_number = 2
        for block in _whole_line_blocks(stream, path):
            batch = _split_lines(block, line_number)
            line_number += batch.num_rows
            yield batch


def _whole_line_blocks(stream: IO[bytes], path: Path) -> Iterator[bytes]:
    """Blocks of whole lines, without the last line end of each and without blank lines at the end of the file."""
    rest = b""
    while block := stream.read(BLOCK_BYTES):
        block = rest + block
        # The last line that holds something waits for the next block, and the blank ones behind it too.
        end = block.rfind(b"\n", 0, len(block.rstrip(b"\r\n")))
        if end < 0 and len(block) > LONGEST_LINE_BYTES:
            raise SourceError(
                f"{path} has a line of more than {LONGEST_LINE_BYTES} bytes; expected one row of playlists per line. "
                "Is it a text file?"
            )
        rest = block[end + 1 :]
        if end >= 0:
            yield block[:end]
    if rest := rest.rstrip(b"\r\n"):
        yield rest


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
