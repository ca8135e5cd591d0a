"""Metadata that is read from the file that was written, never by running a lazy query again."""

from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from rec_assets.core.relations import Connection

PREVIEW_ROWS = 10
_LONGEST_CELL = 80


def describe_file(path: Path, connection: Connection) -> dict[str, Any]:
    """Size of any file; row count and a preview, as a markdown table, of a parquet file."""
    description: dict[str, Any] = {"size_bytes": path.stat().st_size}
    if path.suffix == ".parquet":
        description["dagster/row_count"] = pq.read_metadata(path).num_rows
        preview = connection.read_parquet(str(path)).limit(PREVIEW_ROWS)
        cells = [[_cell(value) for value in row] for row in preview.fetchall()]
        description["preview"] = pd.DataFrame(cells, columns=preview.columns).to_markdown(index=False)
    return description


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    short = text if len(text) <= _LONGEST_CELL else text[: _LONGEST_CELL - 1] + "…"
    return short.replace("|", "\\|")
