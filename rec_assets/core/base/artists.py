"""What stands for an artist that nobody names; apart, so that no database is loaded for it."""

UNKNOWN_ARTIST = -1
