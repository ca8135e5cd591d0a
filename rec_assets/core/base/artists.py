"""The artist without a name as a number, and how names that are missing are shown; no database is loaded for it."""

UNKNOWN_ARTIST = -1
SHOWN_ARTIST, SHOWN_TITLE = "unknown artist", "unknown track"
