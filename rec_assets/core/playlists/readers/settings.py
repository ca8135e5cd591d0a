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
        "Playlist file, folder, zip archive or glob pattern, on this machine or in a bucket (s3://bucket/folder). "
        "Empty = the environment variable REC_ASSETS_SOURCE, or without it the synthetic sample.",
    )
    format: SourceFormat = setting(
        SourceFormat.auto,
        "Format of the playlist files: auto (found by itself), csv, unescaped_csv (CSV with unescaped quotes, as "
        "the public playlists file), parquet or json.",
    )
    columns: dict[str, str] = setting(
        {},
        "Names of the columns in the playlist files where they are not found by themselves, as "
        "{row_id|user_id|playlist|artist|track: name in the file}. $file and $folder stand for the name of the file "
        "and of its folder.",
    )
    delimiter: Delimiter = setting(
        Delimiter.auto,
        "Character between the columns of a CSV file: auto (found by itself), comma, semicolon, tab or bar.",
    )
    header: list[str] = setting([], "Names of the columns, in order, of CSV files that have no header line.")
    order: str = setting(
        "",
        "Column (number, date or time) by which the tracks of a playlist are ordered, followed by `desc` for "
        "falling order. Empty = the order of the file.",
    )
    session_gap_minutes: float = setting(
        0.0,
        "Minutes without a play after which a listening history is cut into a new playlist; 0 = cut only histories "
        f"without a playlist column, after {DEFAULT_GAP_MINUTES} minutes.",
        ge=0,
    )
    several_files: SeveralFiles = setting(
        SeveralFiles.parts,
        "Meaning of several playlist files: `parts` (their rows add up) or `snapshots` (where a playlist is in "
        "several files, the last one by name counts).",
    )
    missing_values: list[str] = setting([], "Texts in the playlist files that mean an empty field, such as NaN.")
    join_spellings: bool = setting(
        False,
        "Whether tracks whose names differ only in case, accents or punctuation become one track, under the most "
        "common spelling.",
    )
    max_reject_share: float = setting(
        0.01,
        "raw_playlists fails if a larger share of the rows than this cannot be read, or belongs to no playlist "
        "(0.01 = 1 %).",
        ge=0,
        le=1,
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
