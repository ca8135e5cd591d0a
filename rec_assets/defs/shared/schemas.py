"""The columns of every stored table, as the UI shows them and the IO manager holds them."""

import dagster as dg

_PLAYLIST = (
    dg.TableColumn("user_id", "VARCHAR", "Who made the playlist; null where the source has no users."),
    dg.TableColumn("playlist", "VARCHAR", "Its name; only with the user does it name one playlist."),
)
_INTERVAL = (
    dg.TableColumn("hit_rate_low", "DOUBLE", "Lower end of its 95 % interval (bootstrap over playlists)."),
    dg.TableColumn("hit_rate_high", "DOUBLE", "Upper end."),
)
_GAINS = (
    dg.TableColumn("mrr", "DOUBLE", "Mean reciprocal rank, 0 where not found."),
    dg.TableColumn("ndcg", "DOUBLE", "Normalized discounted cumulative gain."),
)
_SEQUENCE_COLUMNS = [
    *_PLAYLIST,
    dg.TableColumn("track_indexes", "INTEGER[]", "The tracks in order, as numbers of track_catalog."),
    dg.TableColumn("length", "INTEGER", "How many tracks."),
]
_RANK_COLUMNS = [
    *_PLAYLIST,
    dg.TableColumn("strategy", "VARCHAR", "What recommended."),
    dg.TableColumn("k", "INTEGER", "How many tracks were recommended."),
    dg.TableColumn("query_track", "INTEGER", "The track before the last."),
    dg.TableColumn("target_track", "INTEGER", "The last track, which is to be found."),
    dg.TableColumn("rank", "INTEGER", "Place of the target, 1 = best; null = not among the k recommended."),
    dg.TableColumn("popularity_rank", "INTEGER", "Place of the target by training count; null = not in training."),
    dg.TableColumn("query_is_cold", "BOOLEAN", "The query has no vector."),
    dg.TableColumn("target_is_cold", "BOOLEAN", "The target has no vector, so that vectors cannot find it."),
    dg.TableColumn("history_length", "INTEGER", "Tracks before the target."),
    dg.TableColumn("target_count", "BIGINT", "Occurrences of the target in training."),
    dg.TableColumn("same_artist", "BOOLEAN", "The target's artist is in the history; null = unknown artist."),
]
_SLICE_COLUMNS = [
    dg.TableColumn("slice", "VARCHAR", "By what the playlists are divided."),
    dg.TableColumn("value", "VARCHAR", "Which of its classes."),
    dg.TableColumn("playlists", "BIGINT", "How many."),
    dg.TableColumn("hit_rate", "DOUBLE", "Share of them with a hit, 0..1."),
    dg.TableColumn("low", "DOUBLE", "Lower end of its 95 % interval (bootstrap over playlists)."),
    dg.TableColumn("high", "DOUBLE", "Upper end."),
]
_LEADERBOARD_COLUMNS = [
    dg.TableColumn("strategy", "VARCHAR", "What recommends; last_track asks the vectors as the tutorial does."),
    dg.TableColumn("k", "INTEGER", "How many tracks were recommended."),
    dg.TableColumn("repeats", "BOOLEAN", "Whether tracks of the playlist may be recommended."),
    dg.TableColumn("playlists", "BIGINT", "Validation playlists asked."),
    dg.TableColumn("hit_rate", "DOUBLE", "Share of targets among the k recommended, 0..1."),
    *_INTERVAL,
    dg.TableColumn("hit_rate_at_10", "DOUBLE", "The same among the first 10; NaN where k is below."),
    dg.TableColumn("hit_rate_at_10_low", "DOUBLE", "Lower end of its interval."),
    dg.TableColumn("hit_rate_at_10_high", "DOUBLE", "Upper end."),
    *_GAINS,
    dg.TableColumn("catalog_coverage", "DOUBLE", "Share of the catalog recommended to anybody."),
    dg.TableColumn("median_popularity", "BIGINT", "Median training count of what is recommended."),
    dg.TableColumn("greatest_share", "DOUBLE", "Share of playlists that get the most recommended track."),
    dg.TableColumn("tail_share", "DOUBLE", "Share of recommendations outside the most popular fifth of the catalog."),
    dg.TableColumn("stability", "DOUBLE", "Share of the first 10 that stays when the oldest track is missing."),
    dg.TableColumn("milliseconds_per_playlist", "DOUBLE", "Answering, in batches."),
    dg.TableColumn("training_seconds", "DOUBLE", "Training the models it needs; null = unknown here."),
    dg.TableColumn("is_chosen", "BOOLEAN", "The strategy that the hit rates follow."),
    dg.TableColumn("ranks", "INTEGER[]", "Rank of each validation playlist's target; null = not recommended."),
]
_TUNING_COLUMNS = [
    dg.TableColumn("trial", "INTEGER", "Its number in the study; 0 = first."),
    dg.TableColumn(
        "state", "VARCHAR", "finished, failed, running (in another run), or waiting (planned, or left by a worker)."
    ),
    dg.TableColumn("parameters", "VARCHAR", "What was tried, as JSON."),
    dg.TableColumn("is_default", "BOOLEAN", "All parameters have their defaults."),
    dg.TableColumn("hit_rate", "DOUBLE", "On validation, 0..1; null unless finished, as all figures."),
    *_INTERVAL,
    dg.TableColumn("hit_rate_at_10", "DOUBLE", "The same among the first 10; null where k is below."),
    *_GAINS,
    dg.TableColumn("seconds", "DOUBLE", "Training and measuring."),
    dg.TableColumn("reason", "VARCHAR", "Why the trial failed; null unless it did."),
]

_SEQUENCES = ("playlist", "train", "validation", "test")

_COLUMNS = {
    "raw_playlists": [
        dg.TableColumn("row_id", "BIGINT", "Order of the rows."),
        *_PLAYLIST,
        dg.TableColumn("artist", "VARCHAR", "As it came; null = empty."),
        dg.TableColumn("track", "VARCHAR", "As it came; null = empty."),
    ],
    "track_catalog": [
        dg.TableColumn("track_index", "INTEGER", "0 = the most frequent track."),
        dg.TableColumn("track_id", "VARCHAR", "artist|||track"),
        dg.TableColumn("artist", "VARCHAR", "Null = empty."),
        dg.TableColumn("track", "VARCHAR", "Null = empty."),
        dg.TableColumn("occurrences", "BIGINT", "Rows that name the track."),
    ],
    **{f"{part}_sequences": _SEQUENCE_COLUMNS for part in _SEQUENCES},
    **{f"{part}_ranks": _RANK_COLUMNS for part in ("validation", "test")},
    "validation_slices": _SLICE_COLUMNS,
    "model_leaderboard": _LEADERBOARD_COLUMNS,
    "playlist_recommendations": [
        *_PLAYLIST,
        dg.TableColumn("rank", "INTEGER", "1 = best."),
        dg.TableColumn("artist", "VARCHAR", "Null = unknown."),
        dg.TableColumn("track", "VARCHAR", "Null = unknown."),
        dg.TableColumn("score", "FLOAT", "Falls with the rank; null = filled up with what is popular."),
    ],
    "tuning_leaderboard": _TUNING_COLUMNS,
}
TABLE_SCHEMAS = {name: dg.TableSchema(columns) for name, columns in _COLUMNS.items()}
