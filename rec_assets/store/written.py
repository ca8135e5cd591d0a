"""Metadata that is read from the file that was written, never by running a lazy query again."""

import re
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
from tabulate import tabulate

from rec_assets.core.base.relations import Connection, Relation, read_table

Describe = Callable[[Relation], Mapping[str, Any]]
PREVIEW_ROWS = 10
# More columns than these would be cut off in the UI on a laptop: they become rows, of few examples.
_MOST_COLUMNS, _EXAMPLES = 7, 3
# Letters of metadata that are seen on a laptop beside its name and its time.
_SEEN = 40
_LONGEST_CELL, _LONGEST_EXAMPLE = 80, 32


@dataclass(frozen=True)
class DescribedTable:
    """A table with what belongs to it.

    Attributes:
        relation: the table.
        describe: says more of it once it is written: the file is read faster than the query runs.
        beside: tables by name that are stored after it, with the same lineage.
    """

    relation: Relation
    describe: Describe
    beside: Mapping[str, Relation] = field(default_factory=dict)


def describe_file(path: Path, connection: Connection, describe: Describe | None = None) -> dict[str, Any]:
    """Size of any file; row count and the first rows of a table, and what ``describe`` finds in it."""
    description: dict[str, Any] = {"size_bytes": path.stat().st_size}
    if path.suffix == ".parquet":
        description["dagster/row_count"] = pq.read_metadata(path).num_rows
        # Markdown and not table metadata: the UI shows that one inside the narrow metadata list, cut off at
        # its right; this one opens in a window of its own.
        table = read_table(connection, path)
        description["preview"] = dg.MetadataValue.md(_preview(table))
        description |= describe(table) if describe else {}
    return description


def _preview(table: Relation) -> str:
    """The first rows as a markdown table, fractions rounded and every other value as it is."""
    is_wide = len(table.columns) > _MOST_COLUMNS
    longest = _LONGEST_EXAMPLE if is_wide else _LONGEST_CELL
    rows = table.limit(_EXAMPLES if is_wide else PREVIEW_ROWS).fetchall()
    cells, columns = [[_cell(value, longest) for value in row] for row in rows], table.columns
    if is_wide:
        columns = ["column", *(f"row {number}" for number in range(1, len(rows) + 1))]
        cells = [list(line) for line in zip(table.columns, *cells, strict=True)]
    # Without disable_numparse a column of tracks named "1e5" and "007" would read 100000 and 7.
    return tabulate(cells, columns, "pipe", disable_numparse=True)


def _cell(value: Any, longest: int) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1_000 else f"{value:,.0f}"
    text = "" if value is None else " ".join(str(value).split())
    short = text if len(text) <= longest else text[: longest - 1] + "…"
    return escape_markdown(short)


def wrapped_markdown(text: str, indent: str = "") -> str:
    """``text`` as markdown in lines so short that the UI cuts none of them off, whatever else makes its table wide."""
    return f"  \n{indent}".join(escape_markdown(line) for line in textwrap.wrap(text, _SEEN))


def escape_markdown(text: str) -> str:
    """``text``, for example the name of a track, such that markdown shows it as it is."""
    return re.sub(r"([\\`*_\[\]<>|~])", r"\\\1", text)
