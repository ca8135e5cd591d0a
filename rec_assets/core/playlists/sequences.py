"""Playlists as sequences of track indexes, in the order of their rows."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rec_assets.core.base.arrow import number_column, numbers_in
from rec_assets.core.base.errors import DataError
from rec_assets.core.base.relations import (
    TRACK_KEYS,
    Connection,
    Relation,
    count_rows,
    fetch_row,
    playlist_draw_sql,
    query,
    stored,
)
from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.playlists.catalog import TRACKS_IN_A_JOIN

_HASH_STEPS = 1_000_000
_PLAYLISTS_AT_ONCE, _TRACKS_AT_ONCE = 1_000, 100_000
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
        return f"Bring {FEWEST} playlists of {min_tracks} tracks or more."
    changes = [f"min_tracks to {longest}"] if longest < min_tracks else []
    return f"Set {' and '.join(changes + ['sample_percent to 100'] * (sample_percent < 100))}, or bring more playlists."


def build_sequences(
    connection: Connection,
    raw_playlists: Relation,
    track_catalog: Relation,
    folder: Path,
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
    newest row, where rows have one; in order of the first two. It can be read once, from files in ``folder``: sorted
    tracks are cut into lists on the way, for lists that DuckDB gathers stay in memory, 31 bytes a row.

    Raises DataError: the catalog is not that of the rows.
    """
    sampled = raw_playlists
    if sample_percent < 100:
        sampled = raw_playlists.filter(_is_sampled(sample_percent, sample_seed))
    ended_at = ", max(time) AS ended_at" if "time" in raw_playlists.columns else ""
    kept = query(
        sampled,
        "rows",
        f"""SELECT user_id, playlist, count(*)::INTEGER AS length{ended_at} FROM rows
            GROUP BY user_id, playlist HAVING count(*) >= {min_tracks} ORDER BY user_id, playlist""",
    )
    names = ("playlists_in_order", "rows_in_playlists", "tracks_in_order")
    playlists, placed, tracks = (folder / f"{name}.parquet" for name in names)
    rows = _in_playlists(sampled, stored(connection, kept, playlists))
    try:
        if count_rows(track_catalog) > TRACKS_IN_A_JOIN:  # too many beside another join in the same query
            rows = stored(connection, rows, placed)
        stored(connection, _in_order(rows, track_catalog), tracks)
    finally:
        placed.unlink(missing_ok=True)
    return connection.from_arrow(_cut_into_lists(playlists, tracks))


def _in_playlists(rows: Relation, playlists: Relation) -> Relation:
    """``number`` of the playlist, ``row_id`` and the keys of the track, of all rows of the ``playlists``."""
    rows = rows.select(f"user_id, playlist, row_id, {TRACK_KEYS}").set_alias("rows")
    numbered = playlists.select("(row_number() OVER ())::INTEGER AS number, user_id, playlist").set_alias("numbered")
    joined = rows.join(
        numbered, "rows.user_id IS NOT DISTINCT FROM numbered.user_id AND rows.playlist = numbered.playlist"
    )
    return joined.select("number, row_id, key, other_key")


def _in_order(rows: Relation, track_catalog: Relation) -> Relation:
    """The ``track_index`` of all ``rows``, by the number of their playlist, and within one by ``row_id``."""
    tracks = track_catalog.select(f"track_index, {TRACK_KEYS}").set_alias("tracks")
    joined = rows.set_alias("rows").join(tracks, "rows.key = tracks.key AND rows.other_key = tracks.other_key")
    return joined.select("track_index, number, row_id").order("number, row_id").select("track_index")


def _cut_into_lists(playlists: Path, tracks: Path) -> pa.RecordBatchReader:
    """The table ``playlists``, each with as many of the ``tracks``, which stand in their order, as its ``length`` says.

    Raises DataError: there are not as many in all.
    """
    table, stream = pq.ParquetFile(playlists), pq.ParquetFile(tracks)
    for file in (playlists, tracks):
        file.unlink()  # its space is free when it is closed
    rows = int(numbers_in(table.read(["length"]).column(0).combine_chunks()).sum())
    if rows != stream.metadata.num_rows:
        raise DataError(
            f"track_catalog knows the tracks of {stream.metadata.num_rows:,} of {rows:,} rows of raw_playlists: it was "
            "made from other rows, or another run replaced one of the two. Materialize track_catalog again, and run "
            "one job at a time."
        )
    at, listed = table.schema_arrow.get_field_index("length"), pa.field("track_indexes", pa.list_(pa.int32()))

    def batches() -> Iterator[pa.RecordBatch]:
        ahead = (batch.column(0) for batch in stream.iter_batches(_TRACKS_AT_ONCE))
        held = pa.array([], pa.int32())
        for batch in _small_batches(table):
            ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(numbers_in(batch.column(at)), dtype=np.int64)])
            parts = [held]
            while sum(map(len, parts)) < ends[-1]:
                parts.append(next(ahead))
            held = pa.concat_arrays(parts)
            lists = pa.ListArray.from_arrays(number_column(ends, pa.int32()), held.slice(0, ends[-1]))
            held = held.slice(ends[-1])
            yield batch.add_column(at, listed, lists)

    return pa.RecordBatchReader.from_batches(table.schema_arrow.insert(at, listed), batches())


def _small_batches(playlists: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    """The rows of ``playlists``, so many at once that together they have some hundred thousand tracks."""
    for batch in playlists.iter_batches(_PLAYLISTS_AT_ONCE):
        block = np.cumsum(numbers_in(batch.column("length")), dtype=np.int64) // _TRACKS_AT_ONCE
        starts = [*np.flatnonzero(np.diff(block, prepend=-1)).tolist(), len(batch)]
        yield from (batch.slice(start, stop - start) for start, stop in pairwise(starts))


def _is_sampled(sample_percent: float, seed: int) -> str:
    draw = playlist_draw_sql(seed=seed, purpose="sample")
    return f"{draw} % {_HASH_STEPS} < {round(sample_percent / 100 * _HASH_STEPS)}"
