"""The formats: the public file's dialect, plain and gzipped, and Parquet."""

import contextlib
import gzip
import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from rec_assets.core.base.errors import SettingsError
from rec_assets.core.synthetic.plan import Plan, make_plan
from rec_assets.core.synthetic.row_batches import PARQUET_SCHEMA, TEXT_COLUMNS, row_batches
from rec_assets.core.synthetic.texts import fill, join, null_if_empty, where
from rec_assets.core.synthetic_sample import SAMPLE_SEED

MIN_ROWS = 100
HEADER = b'"user_id", "artistname", "trackname", "playlistname"\n'


def write_synthetic_playlists(path: Path, *, rows: int, seed: int = SAMPLE_SEED) -> None:
    """Writes ``rows`` made playlist rows to ``path``, whole or not at all.

    The suffix decides the format: ``.csv`` and ``.csv.gz`` are the public file's dialect (quotes inside a
    field are not escaped), ``.parquet`` has ``row_id`` (0-based line) and the text columns, empty fields as
    NULL and without the broken lines. Memory does not grow with ``rows`` beyond the list of playlists.

    Raises:
        SettingsError: too few rows, a seed out of range, or another suffix; nothing is written.
    """
    _check_settings(rows, seed)
    write = _writer_for(path)
    plan = make_plan(rows, seed)
    with _replacing(path) as file:
        write(file, plan)


def _check_settings(rows: int, seed: int) -> None:
    if rows < MIN_ROWS:
        raise SettingsError(f"rows is {rows:,}; expected at least {MIN_ROWS}")
    if not 0 <= seed < 2**32:
        raise SettingsError(f"seed is {seed}; expected a number from 0 to 2**32 - 1")


def _write_csv(file: io.BufferedIOBase, plan: Plan) -> None:
    file.write(HEADER)
    for batch in row_batches(plan):
        row_id, user, artist, track, playlist = batch.columns
        lines = fill(['"{}","{}","{}","{}"\n'], np.zeros(len(row_id), int), user, artist, track, playlist)
        cut_short = join('"', user, '","', artist, "\n")
        broken = pa.array(np.isin(row_id.to_numpy(), plan.awkward["broken"]))
        text = where(broken, cut_short, lines)
        _, offsets, characters = text.buffers()
        file.write(characters[: int(np.frombuffer(offsets, np.int32)[len(text)])])  # lines lie end to end


def _write_gzip(file: io.BufferedIOBase, plan: Plan) -> None:
    with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed:
        _write_csv(packed, plan)


def _write_parquet(file: io.BufferedIOBase, plan: Plan) -> None:
    with pq.ParquetWriter(file, PARQUET_SCHEMA, compression="zstd") as writer:
        for batch in row_batches(plan):
            whole = batch.filter(pa.array(~np.isin(batch["row_id"].to_numpy(), plan.awkward["broken"])))
            texts = [null_if_empty(whole[name]) for name in TEXT_COLUMNS]
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
