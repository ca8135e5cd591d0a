"""Playlists as sequences of track indexes, in the order of their rows."""

from rec_assets.core.base.errors import DataError
from rec_assets.core.base.relations import TRACK_KEYS, Relation, fetch_row, playlist_draw_sql, query
from rec_assets.core.base.settings import Settings, setting

_HASH_STEPS = 1_000_000
FEWEST, SHORTEST = 3, 2  # playlists: one to train on, one to validate, one to test; tracks: one to ask, one to find


class SequencesSettings(Settings):
    """Which playlists become sequences."""

    sample_percent: float = setting(
        100.0,
        "Percentage of the playlists that are used. Below 100 the run is a dev run: its results are marked, and "
        "never promoted.",
        gt=0,
        le=100,
    )
    sample_seed: int = setting(0, "Seed of the choice of playlists where sample_percent is below 100.")
    min_tracks: int = setting(
        3,
        "Number of tracks that a playlist must have to be used. Its last track is held out, and what comes before it "
        "is the question.",
        ge=SHORTEST,
    )


def count_playlists(
    raw_playlists: Relation, *, min_tracks: int, sample_percent: float, sample_seed: int
) -> dict[str, int]:
    """How many playlists :func:`build_sequences` keeps with the same arguments, and leaves out for which reason.

    Returns ``all_playlists, not_sampled, too_short, kept``. Raises DataError: fewer than ``FEWEST`` are kept.
    """
    is_sampled = _is_sampled(sample_percent, sample_seed)
    sizes = raw_playlists.aggregate("user_id, playlist, count(*) AS tracks", "user_id, playlist")
    total, sampled, kept = fetch_row(
        sizes.aggregate(
            f"count(*), count(*) FILTER ({is_sampled}), count(*) FILTER ({is_sampled} AND tracks >= {min_tracks})"
        )
    )
    if kept < FEWEST:
        (longest,) = fetch_row(sizes.aggregate(f"list(tracks ORDER BY tracks DESC)[{FEWEST}]"))
        raise DataError(
            f"{kept} playlists are left, and {FEWEST} are needed, to train on, to validate and to test: of {total} "
            f"playlists {sampled} are in the sample (sample_percent={sample_percent:g}), of these {kept} with "
            f"min_tracks={min_tracks} tracks. {_remedy(longest or 0, min_tracks, sample_percent)}"
        )
    return {"all_playlists": total, "not_sampled": total - sampled, "too_short": sampled - kept, "kept": kept}


def _remedy(longest: int, min_tracks: int, sample_percent: float) -> str:
    """What to do where too few playlists are left, of all of which ``FEWEST`` have ``longest`` tracks or more."""
    if longest < SHORTEST:
        return f"Bring {FEWEST} playlists of {SHORTEST} tracks or more."
    changes = [f"min_tracks to {longest}"] if longest < min_tracks else []
    return f"Set {' and '.join(changes + ['sample_percent to 100'] * (sample_percent < 100))}, or bring more playlists."


def build_sequences(
    raw_playlists: Relation,
    track_catalog: Relation,
    *,
    min_tracks: int = 3,
    sample_percent: float = 100.0,
    sample_seed: int = 0,
) -> Relation:
    """One row per playlist of at least ``min_tracks`` tracks; for the settings see :class:`SequencesSettings`.

    About ``sample_percent`` of the playlists are kept, chosen by a hash of user, name and ``sample_seed``: the same
    ones whatever the order of rows. They are filtered before grouping, so a sample is cheap. ``raw_playlists`` has
    ``row_id, user_id, playlist, artist, track`` and maybe ``time``, ``track_catalog`` at least
    ``track_index, artist, track``.

    Returns ``user_id, playlist``, ``track_indexes INT[]`` by ``row_id``, ``length``, and ``ended_at``, the time of the
    newest row, where rows have one; in order of the first two, lazily.
    """
    sampled = raw_playlists
    if sample_percent < 100:
        sampled = raw_playlists.filter(_is_sampled(sample_percent, sample_seed))
    time, ended_at = (", time", ", max(time) AS ended_at") if "time" in raw_playlists.columns else ("", "")
    rows = sampled.select(f"user_id, playlist, row_id{time}, {TRACK_KEYS}").set_alias("rows")
    tracks = track_catalog.select(f"track_index, {TRACK_KEYS}").set_alias("tracks")
    placed = rows.join(tracks, "rows.key = tracks.key AND rows.other_key = tracks.other_key")
    return query(
        placed.select(f"user_id, playlist, row_id{time}, track_index"),
        "placed",
        f"""
        SELECT user_id, playlist,
            list(track_index ORDER BY row_id, track_index) AS track_indexes,
            count(*)::INTEGER AS length{ended_at}
        FROM placed GROUP BY user_id, playlist HAVING count(*) >= {min_tracks}
        ORDER BY user_id, playlist""",
    )


def _is_sampled(sample_percent: float, seed: int) -> str:
    draw = playlist_draw_sql(seed=seed, purpose="sample")
    return f"{draw} % {_HASH_STEPS} < {round(sample_percent / 100 * _HASH_STEPS)}"
