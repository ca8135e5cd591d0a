"""Reading playlists as people really have them."""

from rec_assets.core.playlists.columns import COLUMN_NAMES
from rec_assets.core.playlists.description import describe_playlists
from rec_assets.core.playlists.fingerprint import fingerprint
from rec_assets.core.playlists.sources import PlaylistSource, SourceFormat, content_digest, locate_files, name_files
from rec_assets.core.playlists.staging import StagedPlaylists, stage_playlists

__all__ = [
    "COLUMN_NAMES",
    "PlaylistSource",
    "SourceFormat",
    "StagedPlaylists",
    "content_digest",
    "describe_playlists",
    "fingerprint",
    "locate_files",
    "name_files",
    "stage_playlists",
]
