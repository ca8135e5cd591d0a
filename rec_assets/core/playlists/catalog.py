"""The track catalog: an integer for each track, 0 = the most frequent, and the only place of names."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from rec_assets.core.base.artists import track_name
from rec_assets.core.base.relations import (
    TRACK_KEYS,
    Connection,
    Relation,
    fetch_row,
    query,
    read_table,
    stored,
)

# So many take some 250 MB in a join. The default limit is 400 MB, beyond which joins are slow or fail.
TRACKS_IN_A_JOIN = 4_000_000
_ABOVE_ALL = 2**63


def build_track_catalog(connection: Connection, raw_playlists: Relation, folder: Path) -> Relation:
    """One row per distinct (artist, track) of ``raw_playlists``, an empty field, which is NULL, counting as a value.

    ``raw_playlists`` has ``row_id BIGINT, user_id, playlist, artist, track``; no ``row_id`` occurs twice. Returns
    ``track_index INT`` (0, 1, … by falling ``occurrences``, ties by first appearance), ``artist``, ``track``,
    ``occurrences`` (rows), from files in ``folder``: until the next call with the same one.

    Raises StoreError: no space in ``folder``.
    """
    # Names are fetched last, from the row in which each track appears first: counting and sorting numbers takes
    # half the time and memory.
    numbered = query(
        raw_playlists,
        "rows",
        f"""
        WITH counted AS (
            SELECT count(*) AS occurrences, min(row_id) AS first_row
            FROM (SELECT {TRACK_KEYS}, row_id FROM rows) GROUP BY key, other_key
        )
        SELECT (row_number() OVER () - 1)::INTEGER AS track_index, *
        FROM (SELECT * FROM counted ORDER BY occurrences DESC, first_row)""",
    )
    target, parts = folder / "numbered_tracks.parquet", []
    for part in _named(raw_playlists, stored(connection, numbered, target)):
        parts.append(folder / f"named_tracks_{len(parts)}.parquet")
        stored(connection, part, parts[-1])
    target.unlink()
    return read_table(connection, *parts).order("track_index")


def _named(rows: Relation, numbered: Relation) -> Iterator[Relation]:
    """The ``numbered`` tracks with their names, part by part.

    Each part is small enough to be joined in memory. A larger join makes DuckDB write all rows to disk as well, which
    takes five times as long (129M rows, 21M tracks, a limit of 400 MB).
    """
    placed = numbered.select("first_row, row_number() OVER (ORDER BY first_row) - 1 AS place")
    found = placed.filter(f"place % {TRACKS_IN_A_JOIN} = 0").order("first_row").select("first_row").fetchall()
    starts = [first_row for (first_row,) in found] or [0]
    for start, end in pairwise([*starts, _ABOVE_ALL]):
        first = numbered.filter(f"first_row BETWEEN {start} AND {end - 1}").set_alias("first")
        own = rows.filter(f"row_id BETWEEN {start} AND {end - 1}").set_alias("own")
        yield own.join(first, "row_id = first_row").select("track_index, artist, track, occurrences")


def describe_playlists(rows: Relation) -> dict[str, int]:
    """``rows``, ``users`` and ``playlists`` (a playlist is user and name; users are 0 where the source has none), and
    ``longest_playlist`` (in tracks) of at least one of the ``rows``.
    """
    sizes = rows.aggregate("user_id, playlist, count(*) AS tracks", "user_id, playlist")
    counts = fetch_row(sizes.aggregate("sum(tracks)::BIGINT, count(DISTINCT user_id), count(*), max(tracks)"))
    return dict(zip(("rows", "users", "playlists", "longest_playlist"), counts, strict=True))


def describe_tracks(track_catalog: Relation) -> dict[str, int]:
    """``artists`` of the tracks (distinct), and ``rows_without_artist`` and ``rows_without_track``."""
    artists = "count(DISTINCT CASE WHEN artist IS NOT NULL THEN hash(artist) END)"
    without = ", ".join(
        f"coalesce(sum(occurrences) FILTER ({name} IS NULL), 0)::BIGINT" for name in ("artist", "track")
    )
    counts = fetch_row(track_catalog.aggregate(f"{artists}, {without}"))
    return dict(zip(("artists", "rows_without_artist", "rows_without_track"), counts, strict=True))


def names_of(track_catalog: Relation, tracks: list[int]) -> list[str]:
    """``artist – track`` of each track index, in their order. Raises KeyError: a track is not in the catalog."""
    return [track_name(artist, track) for artist, track in artist_and_track(track_catalog, tracks)]


def with_names(track_catalog: Relation, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """``rows`` with the ``artist`` and ``track`` of their ``track_index``, None = unknown. Raises KeyError as above."""
    found = artist_and_track(track_catalog, [row["track_index"] for row in rows])
    return [{**row, "artist": artist, "track": track} for row, (artist, track) in zip(rows, found, strict=True)]


def artist_and_track(track_catalog: Relation, tracks: list[int]) -> list[tuple[str | None, str | None]]:
    """Artist and track of each track index, in their order, None = unknown. Raises KeyError as above."""
    listed = ", ".join(map(str, tracks))
    found = track_catalog.filter(f"track_index IN ({listed})").select("track_index, artist, track").fetchall()
    by_index = {index: (artist, track) for index, artist, track in found}
    return [by_index[track] for track in tracks]
