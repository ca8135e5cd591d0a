"""The model file: safetensors, that is, plain tensors after a text header. No code is ever loaded from it."""

import json
from collections.abc import Mapping
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors.numpy import save

from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.errors import StoreError
from rec_assets.core.lineage import LINEAGE_KEY, Lineage
from rec_assets.core.tensor_file import TYPE_NAMES, Layout, checksum, read_layout

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

TENSORS = {
    "count": np.dtype("<i8"),
    "track_index": np.dtype("<i4"),
    "input_vectors": np.dtype("<f4"),
    "output_vectors": np.dtype("<f4"),
}
_REMEDY = "Materialize track_embeddings again."


def save_embeddings(embeddings: TrackEmbeddings, path: Path, notes: Mapping[str, str]) -> None:
    """Write ``embeddings`` and ``notes`` (text by name) to ``path``; the same input gives the same bytes."""
    tensors = {name: np.ascontiguousarray(getattr(embeddings, name), dtype) for name, dtype in TENSORS.items()}
    own = {"hyperparameters": embeddings.hyperparameters, "notes": dict(notes), "crc32": _checksum(tensors)}
    # One entry, since safetensors writes several in no fixed order. And not by its save_file: that makes a
    # temporary file of its own beside path, which a killed process leaves for ever.
    path.write_bytes(save(tensors, metadata={"rec_assets": json.dumps(own, sort_keys=True)}))


def load_embeddings(path: Path | str, *, verify: bool = False) -> TrackEmbeddings:
    """Open a model file; its arrays are mapped from disk, read-only, and read when they are used.

    Args:
        path: ``track_embeddings.safetensors``.
        verify: read every number now and compare with the checksum in the header.

    Raises:
        StoreError: the file is missing, not a whole model file, of another kind, or damaged.
    """
    layout = _read_header(Path(path))
    arrays = {}
    for name, dtype in TENSORS.items():
        entry = layout.tensors[name]
        offset = layout.start + entry["data_offsets"][0]
        arrays[name] = np.memmap(path, dtype, mode="r", offset=offset, shape=tuple(entry["shape"]))
    if verify and _checksum(arrays) != layout.header["crc32"]:
        raise StoreError(f"{path} is damaged: its numbers are not those that were written. {_REMEDY}")
    return TrackEmbeddings(**arrays, hyperparameters=layout.header["hyperparameters"])


def load_notes(path: Path | str) -> dict[str, str]:
    """The ``notes`` that were saved with a model file. Raises StoreError as :func:`load_embeddings` does."""
    return _read_header(Path(path)).header["notes"]


def load_keyed_vectors(path: Path | str, catalog: Path | str | None = None) -> "KeyedVectors":
    """Open a model file as gensim ``KeyedVectors``.

    Args:
        path: ``track_embeddings.safetensors``.
        catalog: ``track_catalog.parquet``; with it the keys are ``artist|||track``, without it ``track_index``.

    Raises:
        StoreError: as :func:`load_embeddings` does; or the model was made from another catalog.
    """
    embeddings = load_embeddings(path)
    if catalog is None:
        return embeddings.to_keyed_vectors()
    import pandas as pd

    require_own_catalog(path, catalog)
    names = pd.read_parquet(catalog, columns=["track_index", "track_id"]).set_index("track_index")["track_id"]
    return embeddings.to_keyed_vectors(names.loc[np.asarray(embeddings.track_index)])


def require_own_catalog(path: Path | str, catalog: Path | str) -> None:
    """Refuse a ``catalog`` from which the model at ``path`` was not made: it would give its numbers wrong names.

    Raises:
        StoreError: the versions that the two files carry differ, or one carries none.
    """
    try:
        meant = Lineage.from_json(load_notes(path)[LINEAGE_KEY]).ancestors["track_catalog"]["data_version"]
        footer = (pq.read_metadata(catalog).metadata or {})[LINEAGE_KEY.encode()]
    except (KeyError, OSError, pa.ArrowException) as error:
        raise StoreError(f"{path} and {catalog} cannot be held against each other ({error!r}). {_REMEDY}") from error
    found = Lineage.from_json(footer.decode()).data_version
    if found != meant:
        raise StoreError(
            f"{path} was made from track_catalog {meant}, but {catalog} is {found}: it would name other tracks. "
            "Run training_job, or materialize again everything after track_catalog."
        )


def _read_header(path: Path) -> Layout:
    try:
        layout = read_layout(path)
        is_ours = layout.header.keys() >= {"hyperparameters", "notes", "crc32"} and _holds_a_model(layout.tensors)
    except StoreError as error:
        raise StoreError(f"{error} {_REMEDY}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} is not a model file of this package ({error!r}). {_REMEDY}") from error
    if not is_ours:
        raise StoreError(f"{path} holds other tensors than a model file of this package. {_REMEDY}")
    return layout


def _holds_a_model(layout: Mapping[str, Mapping[str, Any]]) -> bool:
    tracks, dimensions = layout["input_vectors"]["shape"]
    if layout.keys() != TENSORS.keys() or min(tracks, dimensions) < 1:
        return False
    for name, dtype in TENSORS.items():
        shape = [tracks, dimensions] if name.endswith("vectors") else [tracks]
        start, end = layout[name]["data_offsets"]
        if (layout[name]["dtype"], layout[name]["shape"]) != (TYPE_NAMES[dtype.str], shape):
            return False
        if start < 0 or end - start != prod(shape) * dtype.itemsize:
            return False
    return True


def _checksum(tensors: Mapping[str, np.ndarray]) -> int:
    return checksum(tensors[name] for name in TENSORS)
