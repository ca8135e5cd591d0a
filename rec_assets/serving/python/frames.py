"""A DataFrame of playlist rows as a file that ingestion reads."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from rec_assets.core.base.errors import SourceError
from rec_assets.core.playlists.readers.columns import find_columns
from rec_assets.core.playlists.readers.files import SourceFile
from rec_assets.core.playlists.readers.settings import SourceSettings

if TYPE_CHECKING:
    import pandas as pd


class FrameFile(SourceFile):
    """The file of a DataFrame, which messages call `frame`."""

    def __str__(self) -> str:
        """As messages name it."""
        return "`frame`"


def write_frame(frame: "pd.DataFrame", settings: SourceSettings, folder: Path) -> FrameFile:
    """Write ``frame`` to ``folder``; what cannot be written and is not read is there by name alone.

    Raises SourceError: it has no rows, a column twice, or one with values of several types; TypeError: it is none.
    """
    import pandas as pd

    if not isinstance(frame, pd.DataFrame):
        raise TypeError(f"frame is of type {type(frame).__name__}; expected a pandas DataFrame of playlist rows.")
    if any(name is not None for name in frame.index.names):  # as after a groupby
        frame = frame.reset_index(allow_duplicates=True)
    file, names = FrameFile(folder / "frame"), list(map(str, frame.columns))
    if frame.empty:
        raise SourceError(f"{file} has no rows; expected one for each track of a playlist, in order.")
    if not settings.columns and not any(isinstance(name, str) for name in frame.columns):
        raise SourceError(
            f"{file} has numbers in place of names of columns: {', '.join(names)}. Say what they are, in their order, "
            'such as frame.columns = ["user", "playlist", "artist", "track"].'
        )
    own = find_columns(file, names, settings.columns, settings.order_column).own().values()
    columns = {name: _as_arrow(file, name, frame.iloc[:, place], name in own) for place, name in enumerate(names)}
    pq.write_table(pa.table(columns), file.path)
    return file


def _as_arrow(file: FrameFile, name: str, values: Any, is_read: bool) -> pa.Array:
    try:
        return pa.array(values, from_pandas=True)
    except (pa.ArrowException, OverflowError) as error:
        if not is_read:
            return pa.nulls(len(values))
        kinds = ", ".join(sorted({type(value).__name__ for value in values}))
        raise SourceError(
            f"{file}: column {name!r} holds values of several types ({kinds}); expected text, numbers, dates or lists. "
            f'Convert it: frame[{name!r}] = frame[{name!r}].astype("str").'
        ) from error
