"""Settings of ingestion."""

import os
from pathlib import Path

from pydantic import Field, model_validator

from rec_assets.core.playlists import COLUMN_NAMES, PlaylistSource, SourceFormat
from rec_assets.paths import MADE_SAMPLE
from rec_assets.settings.base import Settings


class PlaylistsSettings(Settings):
    """What `raw_playlists` reads."""

    source: str = Field(
        default="",
        description="File, folder or glob pattern of playlists; empty = the environment variable "
        "REC_ASSETS_SOURCE, else the made sample.",
    )
    format: SourceFormat = Field(
        default=SourceFormat.auto,
        description="How the files are written: auto, unescaped_csv (the public playlists file), csv or parquet.",
    )
    columns: dict[str, str] = Field(
        default={},
        description="Column names where they differ, as {row_id|user_id|playlist|artist|track: name in the file}.",
    )
    max_reject_share: float = Field(
        default=0.01, ge=0, le=1, description="Above this share (0..1) of unreadable rows the asset fails."
    )

    @model_validator(mode="after")
    def _columns_are_known(self) -> "PlaylistsSettings":
        unknown = set(self.columns) - set(COLUMN_NAMES)
        if unknown:
            raise ValueError(
                f"Setting `columns` names {', '.join(sorted(unknown))}; expected row_id, user_id, playlist, artist or "
                "track, each with its name in the file."
            )
        return self

    def playlist_source(self) -> PlaylistSource:
        """The source that is meant, by setting, environment or default."""
        location = self.source or os.environ.get("REC_ASSETS_SOURCE") or str(MADE_SAMPLE)
        return PlaylistSource(location, self.format, self.columns)

    def is_made_sample(self) -> bool:
        """Whether the shipped sample, which is made, is what is read."""
        return Path(self.playlist_source().location).expanduser().resolve() == MADE_SAMPLE
