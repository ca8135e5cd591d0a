"""The columns of every table: shown in the UI, held by a check, and named here only."""

import dagster as dg

_SEQUENCE_COLUMNS = [
    dg.TableColumn("playlist_id", "VARCHAR", "user_id-playlist"),
    dg.TableColumn("track_indexes", "INTEGER[]", "The tracks in order, as numbers of track_catalog."),
    dg.TableColumn("length", "INTEGER", "How many tracks."),
]
_RANK_COLUMNS = [
    dg.TableColumn("playlist_id", "VARCHAR", "The held-out playlist."),
    dg.TableColumn("query_track", "INTEGER", "Track before the last, which asks."),
    dg.TableColumn("target_track", "INTEGER", "Last track, which is to be found."),
    dg.TableColumn("rank", "INTEGER", "Place of the target, 1 = best; null = not among the k nearest."),
    dg.TableColumn("popularity_rank", "INTEGER", "Place of the target by training count; null = cold."),
    dg.TableColumn("query_is_cold", "BOOLEAN", "The query has no vector; a random track stood in."),
    dg.TableColumn("target_is_cold", "BOOLEAN", "The target has no vector and cannot be found."),
]

TABLE_SCHEMAS: dict[str, dg.TableSchema] = {
    "raw_playlists": dg.TableSchema(
        [
            dg.TableColumn("row_id", "BIGINT", "Order of the rows."),
            dg.TableColumn("user_id", "VARCHAR", "Who made the playlist."),
            dg.TableColumn("playlist", "VARCHAR", "Its name; only with the user does it name one playlist."),
            dg.TableColumn("artist", "VARCHAR", "As it came; null = empty."),
            dg.TableColumn("track", "VARCHAR", "As it came; null = empty."),
        ]
    ),
    "track_catalog": dg.TableSchema(
        [
            dg.TableColumn("track_index", "INTEGER", "0 = the most frequent track."),
            dg.TableColumn("track_id", "VARCHAR", "artist|||track"),
            dg.TableColumn("artist", "VARCHAR", "Null = empty."),
            dg.TableColumn("track", "VARCHAR", "Null = empty."),
            dg.TableColumn("occurrences", "BIGINT", "Rows that name the track."),
            dg.TableColumn("playlists", "BIGINT", "Playlists that hold it."),
        ]
    ),
    **{f"{part}_sequences": dg.TableSchema(_SEQUENCE_COLUMNS) for part in ("playlist", "train", "validation", "test")},
    **{f"{part}_ranks": dg.TableSchema(_RANK_COLUMNS) for part in ("validation", "test")},
}


def schema_metadata(name: str) -> dict[str, dg.TableSchema]:
    """Definition metadata with which the UI shows the columns of table ``name``."""
    return {"dagster/column_schema": TABLE_SCHEMAS[name]}
