"""Which playlist files are read, and how."""

import re
from enum import Enum

from pydantic import model_validator

from rec_assets.core.base.settings import setting
from rec_assets.core.playlists.repeats import RepeatSettings

_ORDER = re.compile(r"(?P<column>.*?)(?:\s+(?P<way>asc|desc)(?:ending)?)?", re.IGNORECASE)
DEFAULT_GAP_MINUTES = 30
COLUMN_SETTINGS = ("row_id", "user_id", "playlist", "artist", "track")


class SourceFormat(Enum):
    """How the rows are written; ``auto`` looks at the first bytes of each file."""

    auto = "auto"
    unescaped_csv = "unescaped_csv"
    csv = "csv"
    parquet = "parquet"
    json = "json"


class Delimiter(Enum):
    """What stands between the columns of a CSV file; ``auto`` takes what gives its header the most known names."""

    auto = "auto"
    comma = "comma"
    semicolon = "semicolon"
    tab = "tab"
    bar = "bar"


class SeveralFiles(Enum):
    """What several files of a source are to each other."""

    parts = "parts"
    snapshots = "snapshots"


class SourceSettings(RepeatSettings):
    """Which playlist files are read, and how."""

    source: str = setting(
        "",
        "File, folder, zip archive or glob pattern of playlists; empty = the environment variable REC_ASSETS_SOURCE, "
        "else the synthetic sample.",
    )
    format: SourceFormat = setting(
        SourceFormat.auto,
        "How the playlist files are written: auto, csv, unescaped_csv (the public playlists file), parquet or json.",
    )
    columns: dict[str, str] = setting(
        {},
        "Names of the columns in the playlist files where they differ, as "
        "{row_id|user_id|playlist|artist|track: name in the file}; $file and $folder stand for the name of the file "
        "and of its folder.",
    )
    delimiter: Delimiter = setting(
        Delimiter.auto, "What stands between the columns of a CSV file: auto, comma, semicolon, tab or bar."
    )
    header: list[str] = setting([], "Names of the columns of CSV files whose first line is a row already, in order.")
    order: str = setting(
        "",
        "Column (number, date or time) that orders the rows within a playlist, with `desc` behind it if it falls; "
        "empty = the order of the file.",
    )
    session_gap_minutes: float = setting(
        0.0,
        "Minutes without a play after which a history goes on as a new playlist; 0 = only histories without a playlist "
        f"column are cut, after {DEFAULT_GAP_MINUTES} minutes.",
        ge=0,
    )
    several_files: SeveralFiles = setting(
        SeveralFiles.parts,
        "What several playlist files are: parts (their rows add up) or snapshots (of a playlist in several files the "
        "last file counts, by name).",
    )
    missing_values: list[str] = setting([], "Texts that stand for an empty field in the playlist files, such as NaN.")
    join_spellings: bool = setting(
        False, "Tracks whose names differ only in case, accents and punctuation become one, by the commonest spelling."
    )
    max_reject_share: float = setting(
        0.01, "raw_playlists fails if a larger share of the rows cannot be read or placed in a playlist.", ge=0, le=1
    )

    @model_validator(mode="after")
    def _columns_are_known(self) -> "SourceSettings":
        unknown = set(self.columns) - set(COLUMN_SETTINGS)
        if unknown:
            raise ValueError(
                f"Setting `columns` names {', '.join(sorted(unknown))}; expected row_id, user_id, playlist, artist or "
                "track, each with its name in the file."
            )
        return self

    @property
    def order_column(self) -> str:
        """The column of `order`."""
        return self._order("column")

    @property
    def order_falls(self) -> bool:
        """Whether the last row of a playlist has its least value."""
        return self._order("way").lower() == "desc"

    def _order(self, part: str) -> str:
        found = _ORDER.fullmatch(self.order.strip())
        return (found[part] or "") if found else ""
