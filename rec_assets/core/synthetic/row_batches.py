"""The rows as they are before a format is chosen, a batch at a time."""

import itertools
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from rec_assets.core.synthetic.draws import Ints
from rec_assets.core.synthetic.names import artist_names, playlist_names, track_names
from rec_assets.core.synthetic.plan import Plan
from rec_assets.core.synthetic.texts import EMPTY, pick, where
from rec_assets.core.synthetic.tracks import draw_tracks

BATCH_ROWS = 200_000
TEXT_COLUMNS = ("user_id", "artist", "track", "playlist")
PARQUET_SCHEMA = pa.schema([("row_id", pa.int64()), *((name, pa.string()) for name in TEXT_COLUMNS)])
_EMPTIED_BY = {
    "user_id": ["no_user"],
    "artist": ["no_artist", "neither"],
    "track": ["no_track", "neither"],
    "playlist": ["no_playlist"],
}


def row_batches(plan: Plan) -> Iterator[pa.RecordBatch]:
    """The rows in order, about BATCH_ROWS at a time, with empty text where a field is missing."""
    edges = np.searchsorted(plan.starts, np.arange(0, int(plan.starts[-1]), BATCH_ROWS))
    edges = np.unique(np.append(edges, len(plan.owners))).tolist()
    for first, last in itertools.pairwise(edges):
        yield _batch(plan, first, last)


def _batch(plan: Plan, first: int, last: int) -> pa.RecordBatch:
    """The rows of the playlists ``first`` to ``last - 1``."""
    row = np.arange(int(plan.starts[first]), int(plan.starts[last]))
    playlist = np.repeat(np.arange(first, last), np.diff(plan.starts[first : last + 1]))
    scene, artist, track = draw_tracks(plan, row, playlist)
    columns = {
        "user_id": pick(plan.user_ids, plan.owners[playlist]),
        "artist": artist_names(scene, artist),
        "track": track_names(plan, scene, artist, track),
        "playlist": pick(playlist_names(plan, first, last), playlist - first),
    }
    texts = [where(_is_emptied(plan, row, name), EMPTY, column) for name, column in columns.items()]
    return pa.record_batch([pa.array(row), *texts], schema=PARQUET_SCHEMA)


def _is_emptied(plan: Plan, row: Ints, name: str) -> pa.Array:
    return pa.array(np.isin(row, np.concatenate([plan.awkward[kind] for kind in _EMPTIED_BY[name]])))
