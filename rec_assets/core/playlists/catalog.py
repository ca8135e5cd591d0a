"""The track catalog: an integer for each track, 0 = the most frequent, and the only place of names."""

from collections.abc import Mapping, Sequence
from typing import Any

from rec_assets.core.base.hashing import TRACK_KEYS
from rec_assets.core.base.relations import Relation, query

SEPARATOR = "|||"


def build_track_catalog(raw_playlists: Relation) -> Relation:
    """One row per distinct (artist, track), an empty field counting as a value.

    Args:
        raw_playlists: ``row_id, user_id, playlist, artist, track``; no ``row_id`` occurs twice.

    Returns:
        ``track_index INT`` (0, 1, … by falling ``occurrences``, ties by first appearance), ``track_id``
        (``artist|||track``), ``artist``, ``track``, ``occurrences`` (rows), ``playlists`` (distinct), lazily.
    """
    # Names are fetched last, from the row in which each track appears first: counting and sorting numbers takes
    # half the time and memory. Two plain GROUP BYs spill to disk, which count(DISTINCT …) per group does not.
    return query(
        raw_playlists,
        "rows",
        f"""
        WITH counted AS (
            SELECT sum(times)::BIGINT AS occurrences, count(*) AS playlists, min(first_row) AS first_row
            FROM (
                SELECT {TRACK_KEYS}, count(*) AS times, min(row_id) AS first_row FROM rows
                GROUP BY key, other_key, hash(user_id, playlist)
            )
            GROUP BY key, other_key
        ), numbered AS (
            SELECT (row_number() OVER () - 1)::INTEGER AS track_index, *
            FROM (SELECT * FROM counted ORDER BY occurrences DESC, first_row)
        )
        SELECT track_index, coalesce(artist, '') || '{SEPARATOR}' || coalesce(track, '') AS track_id,
            artist, track, occurrences, playlists
        FROM rows JOIN numbered ON row_id = first_row
        ORDER BY track_index""",
    )


def names_of(track_catalog: Relation, tracks: list[int]) -> list[str]:
    """``artist – track`` of each track index, in their order; a missing part is said to be unknown.

    Raises:
        KeyError: a track is not in the catalog.
    """
    return [track_name(artist, track) for artist, track in _artist_and_track(track_catalog, tracks)]


def artists_of(track_catalog: Relation, tracks: list[int]) -> list[str | None]:
    """The artist of each track index, in their order; None where it is unknown. Raises as :func:`names_of` does."""
    return [artist for artist, _ in _artist_and_track(track_catalog, tracks)]


def with_names(track_catalog: Relation, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """``rows`` with the ``artist`` and ``track`` of their ``track_index``, None where it is unknown.

    Raises:
        KeyError: a track is not in the catalog.
    """
    found = _artist_and_track(track_catalog, [row["track_index"] for row in rows])
    return [{**row, "artist": artist, "track": track} for row, (artist, track) in zip(rows, found, strict=True)]


def _artist_and_track(track_catalog: Relation, tracks: list[int]) -> list[tuple[str | None, str | None]]:
    listed = ", ".join(map(str, tracks))
    found = track_catalog.filter(f"track_index IN ({listed})").select("track_index, artist, track").fetchall()
    by_index = {index: (artist, track) for index, artist, track in found}
    return [by_index[track] for track in tracks]


def track_name(artist: str | None, track: str | None) -> str:
    """``artist – track``; a missing part is said to be unknown."""
    return f"{artist or 'unknown artist'} – {track or 'unknown track'}"
