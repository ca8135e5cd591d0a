"""The track catalog: an integer for each track, 0 = the most frequent, and the only place of names."""

from rec_assets.core.relations import Relation, query

SEPARATOR = "|||"


def build_track_catalog(raw_playlists: Relation) -> Relation:
    """One row per distinct (artist, track), an empty field counting as a value.

    Args:
        raw_playlists: ``row_id, user_id, playlist, artist, track``.

    Returns:
        ``track_index INT`` (0, 1, … by falling ``occurrences``, ties by name), ``track_id``
        (``artist|||track``), ``artist``, ``track``, ``occurrences`` (rows), ``playlists`` (distinct), lazily.
    """
    # Two plain GROUP BYs spill to disk; count(DISTINCT …) per group is twice as slow in the same memory.
    # The engine's hash may stand for a playlist here, because it is counted and forgotten within the query.
    return query(
        raw_playlists,
        "rows",
        f"""
        SELECT (row_number() OVER (ORDER BY occurrences DESC, artist NULLS FIRST, track NULLS FIRST) - 1)
                ::INTEGER AS track_index,
            coalesce(artist, '') || '{SEPARATOR}' || coalesce(track, '') AS track_id,
            artist, track, occurrences, playlists
        FROM (
            SELECT artist, track, sum(times)::BIGINT AS occurrences, count(*) AS playlists
            FROM (
                SELECT artist, track, count(*) AS times FROM rows
                GROUP BY artist, track, hash(user_id, playlist)
            )
            GROUP BY artist, track
        )
        ORDER BY track_index""",
    )


def names_of(track_catalog: Relation, tracks: list[int]) -> list[str]:
    """``artist – track`` of each track index, in their order; a missing part is said to be unknown.

    Raises:
        KeyError: a track is not in the catalog.
    """
    listed = ", ".join(map(str, tracks))
    found = track_catalog.filter(f"track_index IN ({listed})").select("track_index, artist, track").fetchall()
    names = {index: f"{artist or 'unknown artist'} – {track or 'unknown track'}" for index, artist, track in found}
    return [names[track] for track in tracks]
