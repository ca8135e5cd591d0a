"""The columns of every stored table, as the UI shows them and the IO manager holds them."""

import dagster as dg

from rec_assets.store.io_manager import OPTIONAL

_OPTIONAL = dg.TableColumnConstraints(other=[OPTIONAL])
_PLAYLIST = (
    dg.TableColumn("user_id", "VARCHAR", "Who made the playlist; null where the source has no users."),
    dg.TableColumn("playlist", "VARCHAR", "Name of the playlist; two users may have playlists of one name."),
)
_INTERVAL = (
    dg.TableColumn("hit_rate_low", "DOUBLE", "Lower end of the 95 % interval of hit_rate (bootstrap over playlists)."),
    dg.TableColumn("hit_rate_high", "DOUBLE", "Upper end of the 95 % interval of hit_rate."),
)
_GAINS = (
    dg.TableColumn("mrr", "DOUBLE", "Mean of 1 / rank of the held-out track; 0 where it is not found."),
    dg.TableColumn(
        "ndcg", "DOUBLE", "Normalized discounted cumulative gain, 0..1: hits count less, the lower they rank."
    ),
)
_SEQUENCE_COLUMNS = [
    *_PLAYLIST,
    dg.TableColumn("track_indexes", "INTEGER[]", "Tracks in order, by their track_index in track_catalog."),
    dg.TableColumn("length", "INTEGER", "Number of tracks."),
    dg.TableColumn("ended_at", "DOUBLE", "Time of the newest row, as in raw_playlists.", _OPTIONAL),
]
_RANK_COLUMNS = [
    *_PLAYLIST,
    dg.TableColumn("strategy", "VARCHAR", "Strategy that recommended."),
    dg.TableColumn("k", "INTEGER", "Number of tracks recommended."),
    dg.TableColumn("query_track", "INTEGER", "Track before the last, by its track_index."),
    dg.TableColumn("target_track", "INTEGER", "Last track, which was held out, by its track_index."),
    dg.TableColumn(
        "rank", "INTEGER", "Place of target_track among the k recommended, 1 = first; null = not among them."
    ),
    dg.TableColumn(
        "popularity_rank",
        "INTEGER",
        "Place of target_track among all tracks by training count; null = not in training.",
    ),
    dg.TableColumn("query_is_cold", "BOOLEAN", "Whether query_track has no vector."),
    dg.TableColumn("target_is_cold", "BOOLEAN", "Whether target_track has no vector, so that vectors cannot find it."),
    dg.TableColumn("history_length", "INTEGER", "Number of tracks before target_track."),
    dg.TableColumn("target_count", "BIGINT", "Number of times that target_track occurs in training."),
    dg.TableColumn(
        "same_artist",
        "BOOLEAN",
        "Whether the artist of target_track occurs earlier in the playlist; null = unknown artist.",
    ),
]
_SLICE_COLUMNS = [
    dg.TableColumn("slice", "VARCHAR", "Property by which the playlists are divided, such as playlist length."),
    dg.TableColumn("value", "VARCHAR", "Value or range of that property, such as 6–20."),
    dg.TableColumn("playlists", "BIGINT", "Number of playlists with that value."),
    dg.TableColumn("hit_rate", "DOUBLE", "Share (0..1) of these playlists whose held-out track is recommended."),
    dg.TableColumn("low", "DOUBLE", "Lower end of the 95 % interval of hit_rate (bootstrap over playlists)."),
    dg.TableColumn("high", "DOUBLE", "Upper end of the 95 % interval of hit_rate."),
]
_LEADERBOARD_COLUMNS = [
    dg.TableColumn(
        "strategy", "VARCHAR", "Strategy that recommends; last_track asks track_vectors as the tutorial does."
    ),
    dg.TableColumn("k", "INTEGER", "Number of tracks recommended."),
    dg.TableColumn("repeats", "BOOLEAN", "Whether tracks of the playlist may be recommended again."),
    dg.TableColumn("playlists", "BIGINT", "Number of validation playlists asked."),
    dg.TableColumn("hit_rate", "DOUBLE", "Share (0..1) of playlists whose held-out track is among the k recommended."),
    *_INTERVAL,
    dg.TableColumn(
        "hit_rate_at_10", "DOUBLE", "Share (0..1) of playlists with a hit among the first 10; NaN where k is below 10."
    ),
    dg.TableColumn("hit_rate_at_10_low", "DOUBLE", "Lower end of the 95 % interval of hit_rate_at_10."),
    dg.TableColumn("hit_rate_at_10_high", "DOUBLE", "Upper end of the 95 % interval of hit_rate_at_10."),
    *_GAINS,
    dg.TableColumn(
        "catalog_coverage", "DOUBLE", "Share (0..1) of the catalog that is recommended to at least one playlist."
    ),
    dg.TableColumn("median_popularity", "BIGINT", "Median training count of the recommended tracks."),
    dg.TableColumn("greatest_share", "DOUBLE", "Share of playlists that get the most recommended track."),
    dg.TableColumn("tail_share", "DOUBLE", "Share of recommendations outside the most popular fifth of the catalog."),
    dg.TableColumn(
        "candidate_recall",
        "DOUBLE",
        "Share (0..1) of held-out tracks among what the strategy proposes to the ranker, or, of the ranker, among all "
        "candidates, tracks of the playlist included: its hit rate cannot be higher. NaN where it proposes none.",
    ),
    dg.TableColumn("stability", "DOUBLE", "Share of the first 10 that stays when the oldest track is missing."),
    dg.TableColumn("milliseconds_per_playlist", "DOUBLE", "Answering, in batches."),
    dg.TableColumn(
        "training_seconds", "DOUBLE", "Seconds that training its models took; null = not known to this Dagster home."
    ),
    dg.TableColumn("is_chosen", "BOOLEAN", "Whether it is the strategy of the hit rates and of promotion."),
    dg.TableColumn("ranks", "INTEGER[]", "Rank of each playlist's held-out track; null = not recommended."),
]
_TUNING_COLUMNS = [
    dg.TableColumn("trial", "INTEGER", "Number of the trial in the search; 0 = first."),
    dg.TableColumn(
        "state", "VARCHAR", "finished, failed, running (in another run), or waiting (planned, or left by a worker)."
    ),
    dg.TableColumn("parameters", "VARCHAR", "Settings that the trial tried, as JSON."),
    dg.TableColumn("is_default", "BOOLEAN", "Whether all of these settings have their defaults."),
    dg.TableColumn(
        "hit_rate", "DOUBLE", "Hit rate (0..1) on validation; null, as all figures, unless the trial is finished."
    ),
    *_INTERVAL,
    dg.TableColumn("hit_rate_at_10", "DOUBLE", "Hit rate (0..1) among the first 10; null where k is below 10."),
    *_GAINS,
    dg.TableColumn("seconds", "DOUBLE", "Seconds that training and measuring took."),
    dg.TableColumn("reason", "VARCHAR", "Why the trial failed; null unless it did."),
]

_SEQUENCES = ("playlist", "train", "validation", "test")

_COLUMNS = {
    "raw_playlists": [
        dg.TableColumn("row_id", "BIGINT", "Place of the row in the source; it orders the tracks of a playlist."),
        *_PLAYLIST,
        dg.TableColumn("artist", "VARCHAR", "As it is in the source; null = empty."),
        dg.TableColumn("track", "VARCHAR", "As it is in the source; null = empty."),
        dg.TableColumn(
            "time",
            "DOUBLE",
            "Date in seconds since 1970 (UTC), or number, by which the rows were ordered, where they were.",
            _OPTIONAL,
        ),
    ],
    "track_catalog": [
        dg.TableColumn("track_index", "INTEGER", "Number of the track; 0 = the most frequent one."),
        dg.TableColumn("artist", "VARCHAR", "Name of the artist; null = empty."),
        dg.TableColumn("track", "VARCHAR", "Name of the track; null = empty."),
        dg.TableColumn("occurrences", "BIGINT", "Number of rows with the track."),
    ],
    **{f"{part}_sequences": _SEQUENCE_COLUMNS for part in _SEQUENCES},
    **{f"{part}_ranks": _RANK_COLUMNS for part in ("validation", "test")},
    "validation_slices": _SLICE_COLUMNS,
    "model_leaderboard": _LEADERBOARD_COLUMNS,
    "playlist_recommendations": [
        *_PLAYLIST,
        dg.TableColumn("rank", "INTEGER", "Place of the recommended track; 1 = best."),
        dg.TableColumn("artist", "VARCHAR", "Artist of the recommended track; null = unknown."),
        dg.TableColumn("track", "VARCHAR", "Name of the recommended track; null = unknown."),
        dg.TableColumn(
            "score", "FLOAT", "Score of the track, lower with each rank; null = a popular track that fills the list up."
        ),
    ],
    "tuning_leaderboard": _TUNING_COLUMNS,
}
TABLE_SCHEMAS = {name: dg.TableSchema(columns) for name, columns in _COLUMNS.items()}
