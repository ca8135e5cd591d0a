"""What is in a table of playlists."""

from rec_assets.core.base.hashing import TRACK_KEYS
from rec_assets.core.base.relations import Relation, count_rows, fetch_row


def describe_playlists(rows: Relation) -> dict[str, int]:
    """The tutorial's five counts, the empty fields, and the longest playlist.

    Args:
        rows: ``row_id, user_id, playlist, artist, track``, at least one row.

    Returns:
        ``rows, users, playlists, tracks, artists`` (distinct; a playlist is user and name, a track is artist
        and track), ``rows_without_artist``, ``rows_without_track``, ``longest_playlist`` (in tracks).
    """
    names = ("rows", "users", "artists", "rows_without_artist", "rows_without_track")
    counts = fetch_row(
        rows.aggregate(
            "count(*), count(DISTINCT user_id), count(DISTINCT artist),"
            " count(*) FILTER (artist IS NULL), count(*) FILTER (track IS NULL)"
        )
    )
    playlists, longest = fetch_row(
        rows.aggregate("count(*) AS tracks", "user_id, playlist").aggregate("count(*), max(tracks)")
    )
    tracks = count_rows(rows.select(TRACK_KEYS).distinct())
    return {
        **dict(zip(names, counts, strict=True)),
        "playlists": playlists,
        "tracks": tracks,
        "longest_playlist": longest,
    }
