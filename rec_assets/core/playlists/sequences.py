"""Playlists as sequences of track indexes, in the order of their rows."""

from dataclasses import asdict, dataclass

import numpy as np

from rec_assets.core.base.errors import DataError
from rec_assets.core.base.hashing import TRACK_KEYS, seeded_hash_sql
from rec_assets.core.base.relations import Relation, fetch_row, query
from rec_assets.core.base.settings import Settings, setting

_HASH_STEPS = 1_000_000


class SequencesSettings(Settings):
    """Which playlists become sequences."""

    sample_percent: float = setting(
        100.0, "Percent of the playlists used; below 100 the run is a dev run, and never promoted.", gt=0, le=100
    )
    sample_seed: int = setting(0, "Seed of the sample; another one samples other playlists.")
    min_tracks: int = setting(
        3, "Playlists with fewer tracks are left out; the last track is held out, the one before it asks.", ge=2
    )


@dataclass(frozen=True)
class PlaylistCounts:
    """What became of the playlists: in all, left out by sampling, left out as too short, kept."""

    all_playlists: int
    not_sampled: int
    too_short: int
    kept: int

    def as_dict(self) -> dict[str, int]:
        """The counts by name."""
        return asdict(self)


def count_playlists(
    raw_playlists: Relation, *, min_tracks: int, sample_percent: float, sample_seed: int
) -> PlaylistCounts:
    """How many playlists :func:`build_sequences` will keep with the same arguments.

    Raises:
        DataError: none is kept.
    """
    sizes = raw_playlists.aggregate("user_id, playlist, count(*) AS tracks", "user_id, playlist")
    total, sampled, kept = fetch_row(
        sizes.aggregate(
            f"count(*), count(*) FILTER ({_is_sampled(sample_percent, sample_seed)}),"
            f" count(*) FILTER ({_is_sampled(sample_percent, sample_seed)} AND tracks >= {min_tracks})"
        )
    )
    if kept == 0:
        raise DataError(
            f"no playlist is left: of {total} playlists {sampled} are in the sample (sample_percent="
            f"{sample_percent:g}), none of them with min_tracks={min_tracks} tracks. Lower min_tracks, raise "
            "sample_percent, or bring longer playlists."
        )
    return PlaylistCounts(total, total - sampled, sampled - kept, kept)


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
    sampled = raw_playlists
    if sample_percent < 100:
        sampled = raw_playlists.filter(_is_sampled(sample_percent, sample_seed))
    rows = sampled.select(f"user_id, playlist, row_id, {TRACK_KEYS}").set_alias("rows")
    tracks = track_catalog.select(f"track_index, {TRACK_KEYS}").set_alias("tracks")
    placed = rows.join(tracks, "rows.key = tracks.key AND rows.other_key = tracks.other_key")
    return query(
        placed.select("user_id", "playlist", "row_id", "track_index"),
        "placed",
        f"""
        SELECT user_id || '-' || playlist AS playlist_id,
            list(track_index ORDER BY row_id, track_index) AS track_indexes,
            count(*)::INTEGER AS length
        FROM placed GROUP BY user_id, playlist HAVING count(*) >= {min_tracks}
        ORDER BY playlist_id, track_indexes""",
    )


def playlist_hashes(sequences: Relation) -> np.ndarray:
    """(n,) uint64 hash of each playlist's id, in the order of ``sequences``: who made it cannot be read from it."""
    hashed = sequences.select("md5_number_lower(playlist_id) AS hash").fetchnumpy()["hash"]
    return np.asarray(hashed, np.uint64)


def _is_sampled(sample_percent: float, seed: int) -> str:
    draw = seeded_hash_sql("user_id || '-' || playlist", seed=seed, purpose="sample")
    return f"{draw} % {_HASH_STEPS} < {round(sample_percent / 100 * _HASH_STEPS)}"
