"""The number of the artist without a name; a module of its own, so that no database is loaded for it."""

UNKNOWN_ARTIST = -1
