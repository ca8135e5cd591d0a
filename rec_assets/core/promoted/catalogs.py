"""Tracks of one catalog in another: by artist and name, since numbers mean something within one catalog only."""

import numpy as np
import pyarrow as pa

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.hashing import TRACK_KEYS
from rec_assets.core.base.relations import Connection, Relation, count_rows, query
from rec_assets.core.names import TrackNames
from rec_assets.core.strategies import NO_TRACK
from rec_assets.core.strategies.tracks import Tracks


def own_index(connection: Connection, track_catalog: Relation, names: TrackNames) -> np.ndarray:
    """(t,) int32 track index among ``names`` of each track of ``track_catalog``; ``NO_TRACK`` where there is none."""
    table = connection.from_arrow(_names_table(names)).select(f"own_index, {TRACK_KEYS}").set_alias("own")
    tracks = track_catalog.select(f"track_index, {TRACK_KEYS}").set_alias("other")
    found = tracks.join(table, "other.key = own.key AND other.other_key = own.other_key")
    columns = found.select("track_index", "own_index").fetchnumpy()
    mapped = np.full(count_rows(track_catalog), NO_TRACK, np.int32)
    mapped[np.asarray(columns["track_index"])] = np.asarray(columns["own_index"])
    return mapped


def known_share(track_catalog: Relation, own_index: np.ndarray) -> float:
    """Share (0..1) of the rows whose track has an ``own_index`` (t,)."""
    columns = track_catalog.select("track_index", "occurrences").fetchnumpy()
    tracks, rows = (np.asarray(columns[name]) for name in ("track_index", "occurrences"))
    return float(rows[own_index[tracks] != NO_TRACK].sum() / rows.sum())


def names_of_catalog(track_catalog: Relation, tracks: Tracks) -> TrackNames:
    """The names in ``track_catalog`` (``track_index, artist, track``), of which ``tracks`` are all the tracks."""
    table = query(track_catalog, "tracks", "SELECT artist, track FROM tracks ORDER BY track_index").to_arrow_table()
    artists, counts = tracks.artist[tracks.row_of], tracks.count[tracks.row_of]
    known = np.flatnonzero(artists != UNKNOWN_ARTIST)
    # The first track of each artist names it.
    _, first = np.unique(artists[known], return_index=True)
    return TrackNames.build(table["artist"].take(pa.array(known[first])), artists, table["track"], counts)


def _names_table(names: TrackNames) -> pa.Table:
    artist = pa.array(names.artist, mask=names.artist == UNKNOWN_ARTIST)
    titles = names.titles.to_arrow()
    return pa.table(
        {
            "own_index": pa.array(np.arange(len(names.artist), dtype=np.int32)),
            "artist": names.artists.to_arrow().take(artist),
            "track": titles,
        }
    )
