"""The artist without a name as a number, and how names that are missing are shown; no database is loaded for it."""

UNKNOWN_ARTIST = -1
SHOWN_ARTIST, SHOWN_TITLE = "unknown artist", "unknown track"


def track_name(artist: str | None, track: str | None) -> str:
    """``artist – track``; "unknown artist" or "unknown track" where it is missing."""
    return f"{artist or SHOWN_ARTIST} – {track or SHOWN_TITLE}"
