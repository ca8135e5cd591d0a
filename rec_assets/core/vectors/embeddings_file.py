"""The file of track embeddings: tensors and their lineage; no code is ever loaded from it."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

from rec_assets.core.base.errors import StoreError, UnreadableError, naming
from rec_assets.core.base.lineage import LINEAGE_KEY, Lineage
from rec_assets.core.base.seal import verify_seal
from rec_assets.core.base.tensor_file import map_tensors, read_layout, require_arrays, write_tensors
from rec_assets.core.vectors.embeddings import TrackEmbeddings

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

TENSORS = {
    "count": np.dtype("<i8"),
    "track_index": np.dtype("<i4"),
    "input_vectors": np.dtype("<f4"),
    "output_vectors": np.dtype("<f4"),
}


def save_embeddings(embeddings: TrackEmbeddings, path: Path, notes: Mapping[str, str]) -> None:
    """Write ``embeddings`` and ``notes`` (text by name) to ``path``; the same input gives the same bytes."""
    tensors = {name: np.ascontiguousarray(getattr(embeddings, name), dtype) for name, dtype in TENSORS.items()}
    write_tensors(path, tensors, {"hyperparameters": embeddings.hyperparameters, "notes": dict(notes)})


def open_embeddings(path: Path) -> TrackEmbeddings:
    """Open a file whose bytes were checked; its arrays are mapped from disk, read-only, and read when they are used.

    Raises:
        UnreadableError: it is cut off, or of another kind.
    """
    tensors, header = map_tensors(path)
    require_arrays(tensors, TENSORS)
    return TrackEmbeddings(**{name: tensors[name] for name in TENSORS}, hyperparameters=header["hyperparameters"])


def read_notes(path: Path) -> dict[str, str]:
    """The ``notes`` that were saved with embeddings. Raises UnreadableError as :func:`open_embeddings` does."""
    return read_layout(path).header["notes"]


def load_keyed_vectors(path: Path | str, catalog: Path | str | None = None) -> "KeyedVectors":
    """Open track embeddings as gensim ``KeyedVectors``.

    Args:
        path: ``track_embeddings.safetensors``.
        catalog: ``track_catalog.parquet``; with it the keys are ``artist|||track``, without it ``track_index``.

    Raises:
        StoreError: a file is missing, damaged or of another kind; or the vectors were made from another catalog.
    """
    with naming(path, "Materialize track_embeddings again."):
        verify_seal(Path(path))
        embeddings, notes = open_embeddings(Path(path)), read_notes(Path(path))
    if catalog is None:
        return embeddings.to_keyed_vectors()
    import pandas as pd

    with naming(catalog, "Materialize track_catalog again."):
        verify_seal(Path(catalog))
        found = _catalog_version(Path(catalog))
    meant = Lineage.from_json(notes[LINEAGE_KEY]).ancestors["track_catalog"]["data_version"]
    if found != meant:
        raise StoreError(
            f"{path} was made from track_catalog {meant}, but {catalog} is {found}: it would name other tracks. "
            "Run training_job, or materialize again everything after track_catalog."
        )
    names = pd.read_parquet(catalog, columns=["track_index", "track_id"]).set_index("track_index")["track_id"]
    return embeddings.to_keyed_vectors(names.loc[np.asarray(embeddings.track_index)])


def _catalog_version(path: Path) -> str:
    footer = (pq.read_metadata(path).metadata or {}).get(LINEAGE_KEY.encode())
    if footer is None:
        raise UnreadableError("has no lineage: it is no table of this package")
    return Lineage.from_json(footer.decode()).data_version
