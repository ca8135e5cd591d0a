"""Settings of what is read."""

from pydantic import model_validator

from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.playlists.readers.columns import COLUMN_NAMES
from rec_assets.core.playlists.readers.sources import SourceFormat


class SourceSettings(Settings):
    """Which playlist files are read, and how."""

    source: str = setting(
        "",
        "File, folder or glob pattern of playlists; empty = the environment variable REC_ASSETS_SOURCE, else the "
        "synthetic sample.",
    )
    format: SourceFormat = setting(
        SourceFormat.auto,
        "How the playlist files are written: auto, unescaped_csv (the public playlists file), csv or parquet.",
    )
    columns: dict[str, str] = setting(
        {},
        "Names of the columns in the playlist files where they differ, as "
        "{row_id|user_id|playlist|artist|track: name in the file}.",
    )
    max_reject_share: float = setting(
        0.01, "raw_playlists fails if a larger share of the rows cannot be read or placed in a playlist.", ge=0, le=1
    )

    @model_validator(mode="after")
    def _columns_are_known(self) -> "SourceSettings":
        unknown = set(self.columns) - set(COLUMN_NAMES)
        if unknown:
            raise ValueError(
                f"Setting `columns` names {', '.join(sorted(unknown))}; expected row_id, user_id, playlist, artist or "
                "track, each with its name in the file."
            )
        return self
