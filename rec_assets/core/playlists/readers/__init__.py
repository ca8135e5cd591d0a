"""Reading playlists as people really have them."""

from rec_assets.core.playlists.readers.columns import COLUMN_NAMES
from rec_assets.core.playlists.readers.description import describe_playlists
from rec_assets.core.playlists.readers.fingerprint import fingerprint
from rec_assets.core.playlists.readers.settings import SourceSettings
from rec_assets.core.playlists.readers.sources import (
    PlaylistSource,
    SourceFormat,
    content_digest,
    locate_files,
    name_files,
)
from rec_assets.core.playlists.readers.staging import StagedPlaylists, stage_playlists
from rec_assets.core.playlists.readers.text_files import NOT_UTF8

__all__ = [
    "NOT_UTF8",
    "COLUMN_NAMES",
    "PlaylistSource",
    "SourceFormat",
    "SourceSettings",
    "StagedPlaylists",
    "content_digest",
    "describe_playlists",
    "fingerprint",
    "locate_files",
    "name_files",
    "stage_playlists",
]
