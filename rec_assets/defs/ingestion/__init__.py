"""Playlist files to one clean table, and a number for each track."""

from rec_assets.defs.ingestion.raw_playlists import RawPlaylistsConfig, raw_playlists
from rec_assets.defs.ingestion.track_catalog import track_catalog
from rec_assets.defs.shared.room import Room

INGESTION = Room("ingestion", [raw_playlists, track_catalog], {"raw_playlists": RawPlaylistsConfig})
