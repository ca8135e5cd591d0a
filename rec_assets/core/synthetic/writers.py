"""The rows, a batch at a time, in the public file's dialect, plain or gzipped, or as Parquet."""

import contextlib
import gzip
import io
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from rec_assets.core.base.errors import SettingsError
from rec_assets.core.synthetic import SAMPLE_SEED
from rec_assets.core.synthetic.plan import Ints, Plan, make_plan
from rec_assets.core.synthetic.tracks import artist_names, draw_tracks, fill, join, pick, playlist_names, track_names

MIN_ROWS = 100
BATCH_ROWS = 200_000
TEXT_COLUMNS = ("user_id", "artist", "track", "playlist")
PARQUET_SCHEMA = pa.schema([("row_id", pa.int64()), *((name, pa.string()) for name in TEXT_COLUMNS)])
_EMPTY, _NULL = pa.scalar(""), pa.scalar(None, pa.string())
_EMPTIED_BY = {
    "user_id": ["no_user"],
    "artist": ["no_artist", "neither"],
    "track": ["no_track", "neither"],
    "playlist": ["no_playlist"],
}
HEADER = b'"user_id", "artistname", "trackname", "playlistname"\n'


def write_synthetic_playlists(path: Path, *, rows: int, seed: int = SAMPLE_SEED) -> None:
    """Writes ``rows`` synthetic playlist rows to ``path``, whole or not at all.

    The suffix decides the format: ``.csv`` and ``.csv.gz`` are the public file's dialect (quotes inside a field are not
    escaped), ``.parquet`` has ``row_id`` (0-based line) and the text columns, empty fields as NULL and without the
    broken lines. Memory does not grow with ``rows`` beyond the list of playlists. Raises SettingsError: too few rows, a
    seed out of range, or another suffix; nothing is written.
    """
    if rows < MIN_ROWS:
        raise SettingsError(f"rows is {rows:,}; expected at least {MIN_ROWS}")
    if not 0 <= seed < 2**32:
        raise SettingsError(f"seed is {seed}; expected a number from 0 to 2**32 - 1")
    write = _writer_for(path)
    plan = make_plan(rows, seed)
    with _replacing(path) as file:
        write(file, plan)


def _row_batches(plan: Plan) -> Iterator[pa.RecordBatch]:
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
    texts = [_where(_is_emptied(plan, row, name), _EMPTY, column) for name, column in columns.items()]
    return pa.record_batch([pa.array(row), *texts], schema=PARQUET_SCHEMA)


def _is_emptied(plan: Plan, row: Ints, name: str) -> pa.Array:
    return pa.array(np.isin(row, np.concatenate([plan.awkward[kind] for kind in _EMPTIED_BY[name]])))


def _where(condition: pa.Array, then: pa.Array | pa.Scalar, otherwise: pa.Array) -> pa.Array:
    return pc.call_function("if_else", [condition, then, otherwise])


def _write_csv(file: io.BufferedIOBase, plan: Plan) -> None:
    file.write(HEADER)
    for batch in _row_batches(plan):
        row_id, user, artist, track, playlist = batch.columns
        lines = fill(['"{}","{}","{}","{}"\n'], np.zeros(len(row_id), int), user, artist, track, playlist)
        cut_short = join('"', user, '","', artist, "\n")
        broken = pa.array(np.isin(row_id.to_numpy(), plan.awkward["broken"]))
        text = _where(broken, cut_short, lines)
        _, offsets, characters = text.buffers()
        file.write(characters[: int(np.frombuffer(offsets, np.int32)[len(text)])])  # lines are stored end to end


def _write_gzip(file: io.BufferedIOBase, plan: Plan) -> None:
    with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed:
        _write_csv(packed, plan)


def _write_parquet(file: io.BufferedIOBase, plan: Plan) -> None:
    with pq.ParquetWriter(file, PARQUET_SCHEMA, compression="zstd") as writer:
        for batch in _row_batches(plan):
            whole = batch.filter(pa.array(~np.isin(batch["row_id"].to_numpy(), plan.awkward["broken"])))
            columns = [whole[name] for name in TEXT_COLUMNS]
            texts = [_where(pc.call_function("equal", [text, _EMPTY]), _NULL, text) for text in columns]
            writer.write_batch(pa.record_batch([whole["row_id"], *texts], schema=PARQUET_SCHEMA))


_Writer = Callable[[io.BufferedIOBase, Plan], None]
_WRITERS: dict[str, _Writer] = {".csv": _write_csv, ".csv.gz": _write_gzip, ".parquet": _write_parquet}


def _writer_for(path: Path) -> _Writer:
    for suffix, write in _WRITERS.items():
        if path.name.endswith(suffix):
            return write
    raise SettingsError(f"{path.name}: expected a name that ends in one of {', '.join(_WRITERS)}")


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[io.BufferedIOBase]:
    """A file beside ``path`` that takes its place when the block ends well, and is removed otherwise."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
