"""Spellings of one track: names that differ only in case, accents, punctuation and spaces."""

import pyarrow as pa

from rec_assets.core.base.relations import Connection, Relation, query
from rec_assets.core.names.likeness import normalise_all

_KEYS = pa.schema([(name, pa.string()) for name in ("artist", "track", "artist_key", "track_key")])
_AT_ONCE = 100_000


def join_spellings(connection: Connection, rows: Relation) -> Relation:
    """``rows`` with artist and track of each track in its commonest spelling, the least by code point among equals."""
    tracks = query(rows, "rows", "SELECT artist, track, count(*) AS times FROM rows GROUP BY ALL").to_arrow_table()
    batches = [
        pa.record_batch(
            [batch["artist"], batch["track"], *(_keys(batch[name]) for name in ("artist", "track"))], schema=_KEYS
        )
        for batch in tracks.to_batches(_AT_ONCE)
    ]
    spelt = connection.from_arrow(pa.Table.from_batches(batches, _KEYS).append_column("times", tracks["times"]))
    chosen = query(
        spelt,
        "spelt",
        """SELECT artist, track, first(artist) OVER best AS one_artist, first(track) OVER best AS one_track FROM spelt
            WINDOW best AS (PARTITION BY artist_key, track_key ORDER BY times DESC, artist, track
                ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)""",
    ).filter("artist IS DISTINCT FROM one_artist OR track IS DISTINCT FROM one_track")
    joined = rows.set_alias("rows").join(
        chosen.set_alias("chosen"),
        "rows.artist IS NOT DISTINCT FROM chosen.artist AND rows.track IS NOT DISTINCT FROM chosen.track",
        how="left",
    )
    is_other = "coalesce(one_artist, one_track) IS NOT NULL"
    return joined.select(
        f"rows.* EXCLUDE (artist, track), CASE WHEN {is_other} THEN one_artist ELSE rows.artist END AS artist,"
        f" CASE WHEN {is_other} THEN one_track ELSE rows.track END AS track"
    )


def _keys(names: pa.Array) -> pa.Array:
    """The normalised form of each name, or the name where nothing is left of it."""
    texts = [name or "" for name in names.to_pylist()]
    return pa.array([key or text for key, text in zip(normalise_all(texts), texts, strict=True)], pa.string())
