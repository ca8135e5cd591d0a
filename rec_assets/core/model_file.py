"""The model file: safetensors, that is, plain tensors after a text header. No code is ever loaded from it."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from safetensors.numpy import save_file

from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.errors import StoreError

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

TENSORS = ("track_index", "count", "input_vectors", "output_vectors")
_DTYPES = {"F32": np.dtype("<f4"), "I32": np.dtype("<i4"), "I64": np.dtype("<i8")}


def save_embeddings(embeddings: TrackEmbeddings, path: Path, notes: Mapping[str, str]) -> None:
    """Write ``embeddings`` and ``notes`` (text by name) to ``path``; the same input gives the same bytes."""
    # safetensors writes its metadata in no fixed order, so there is one entry, and it is sorted.
    header = json.dumps({"hyperparameters": embeddings.hyperparameters, "notes": dict(notes)}, sort_keys=True)
    tensors = {name: np.ascontiguousarray(getattr(embeddings, name)) for name in TENSORS}
    save_file(tensors, path, metadata={"rec_assets": header})


def load_embeddings(path: Path | str) -> TrackEmbeddings:
    """Open a model file; its arrays are mapped from disk, read-only, and read when they are used.

    Raises:
        StoreError: the file is missing, not a whole model file, or of another kind.
    """
    header, start = _read_header(Path(path))
    arrays = {}
    for name in TENSORS:
        entry = header[name]
        first, _ = entry["data_offsets"]
        arrays[name] = np.memmap(
            path, _DTYPES[entry["dtype"]], mode="r", offset=start + first, shape=tuple(entry["shape"])
        )
    return TrackEmbeddings(**arrays, hyperparameters=_own_metadata(header)["hyperparameters"])


def load_notes(path: Path | str) -> dict[str, str]:
    """The ``notes`` that were saved with a model file. Raises StoreError as :func:`load_embeddings` does."""
    return _own_metadata(_read_header(Path(path))[0])["notes"]


def load_keyed_vectors(path: Path | str, catalog: Path | str | None = None) -> "KeyedVectors":
    """Open a model file as gensim ``KeyedVectors``.

    Args:
        path: ``track_embeddings.safetensors``.
        catalog: ``track_catalog.parquet``; with it the keys are ``artist|||track``, without it ``track_index``.
    """
    embeddings = load_embeddings(path)
    if catalog is None:
        return embeddings.to_keyed_vectors()
    import pandas as pd

    names = pd.read_parquet(catalog, columns=["track_index", "track_id"]).set_index("track_index")["track_id"]
    return embeddings.to_keyed_vectors(names.loc[np.asarray(embeddings.track_index)])


def _read_header(path: Path) -> tuple[dict, int]:
    """The header of a safetensors file, and the byte at which its tensors start."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = json.loads(file.read(length))
        end = 8 + length + max(header[name]["data_offsets"][1] for name in TENSORS)
        _own_metadata(header)
    except FileNotFoundError as error:
        raise StoreError(f"{path} does not exist; materialize track_embeddings first.") from error
    except (struct.error, ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise StoreError(f"{path} is not a model file of this package ({error!r}). Materialize it again.") from error
    if path.stat().st_size != end:
        raise StoreError(f"{path} has {path.stat().st_size} bytes; its header says {end}. Materialize it again.")
    return header, 8 + length


def _own_metadata(header: dict) -> dict:
    return json.loads(header["__metadata__"]["rec_assets"])
