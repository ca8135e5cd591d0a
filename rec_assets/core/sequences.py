"""Playlists as sequences of track indexes, in the order of their rows."""

from rec_assets.core.hashing import seeded_hash_sql
from rec_assets.core.relations import Relation

_HASH_STEPS = 1_000_000


def build_sequences(
    raw_playlists: Relation,
    track_catalog: Relation,
    *,
    min_tracks: int = 3,
    sample_percent: float = 100.0,
    sample_seed: int = 0,
) -> Relation:
    """One row per playlist of at least ``min_tracks`` tracks.

    Args:
        raw_playlists: ``row_id, user_id, playlist, artist, track``.
        track_catalog: at least ``track_index, artist, track``.
        min_tracks: shorter playlists are left out.
        sample_percent: about this share of the playlists is kept, chosen by a hash of their id, so that the
            same playlists come whatever the order of rows. Filtered before grouping: a sample is cheap.
        sample_seed: another seed keeps other playlists.

    Returns:
        ``playlist_id`` (``user_id-playlist``), ``track_indexes INT[]`` by ``row_id``, ``length``;
        in order of ``playlist_id``, lazily.
    """
    joined = raw_playlists.set_alias("rows").join(
        track_catalog.set_alias("tracks"),
        "coalesce(rows.artist, '') = coalesce(tracks.artist, '')"
        " AND coalesce(rows.track, '') = coalesce(tracks.track, '')",
    )
    draw = seeded_hash_sql("rows.user_id || '-' || rows.playlist", seed=sample_seed, purpose="sample")
    kept = round(sample_percent / 100 * _HASH_STEPS)
    if kept < _HASH_STEPS:
        joined = joined.filter(f"{draw} % {_HASH_STEPS} < {kept}")
    return joined.select("user_id", "playlist", "row_id", "track_index").query(
        "placed",
        f"""
        SELECT user_id || '-' || playlist AS playlist_id,
            list(track_index ORDER BY row_id, track_index) AS track_indexes,
            count(*)::INTEGER AS length
        FROM placed GROUP BY user_id, playlist HAVING count(*) >= {min_tracks}
        ORDER BY playlist_id, track_indexes""",
    )
