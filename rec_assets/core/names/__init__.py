"""Finds tracks by artist and name, however they are spelt, in arrays that are mapped from a file."""

from rec_assets.core.names.text_column import TextColumn
from rec_assets.core.names.track_names import Found, NearTrack, TrackNames

__all__ = ["Found", "NearTrack", "TextColumn", "TrackNames"]
