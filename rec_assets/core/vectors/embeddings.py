"""Track embeddings: two vectors per track, and their file of tensors; no code is ever loaded from it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rec_assets.core.base.errors import StoreError, TrainingError, UnreadableError, naming
from rec_assets.core.base.lineage import LINEAGE_KEY, Lineage
from rec_assets.core.base.seal import verify_seal
from rec_assets.core.base.tensor_file import map_tensors, read_layout, require_arrays, write_tensors

if TYPE_CHECKING:
    from gensim.models import KeyedVectors

TENSORS = {
    "count": np.dtype("<i8"),
    "track_index": np.dtype("<i4"),
    "input_vectors": np.dtype("<f4"),
    "output_vectors": np.dtype("<f4"),
}


@dataclass(frozen=True)
class TrackEmbeddings:
    """A trained model of ``n`` tracks in ``d`` dimensions; row ``i`` of every array is the same track.

    Attributes:
        track_index: (n,) int32, the track's number in the catalog.
        count: (n,) int64, occurrences in the training sequences; rows are in falling order of it.
        input_vectors: (n, d) float32, gensim's ``wv.vectors``.
        output_vectors: (n, d) float32, gensim's ``syn1neg``: an input vector times an output vector
            scores how likely the two tracks occur together.
        hyperparameters: what the model was trained with.
    """

    track_index: np.ndarray
    count: np.ndarray
    input_vectors: np.ndarray
    output_vectors: np.ndarray
    hyperparameters: dict

    def __len__(self) -> int:
        """Size of the vocabulary."""
        return len(self.track_index)

    def count_broken(self) -> dict[str, int]:
        """Tracks with a NaN or an infinite number in their vector, by side."""
        sides = {"input_vectors": self.input_vectors, "output_vectors": self.output_vectors}
        return {side: int((~np.isfinite(vectors).all(axis=1)).sum()) for side, vectors in sides.items()}

    def require_finite(self) -> None:
        """Raises TrainingError where training diverged: a vector has a NaN or an infinite number."""
        broken = max(self.count_broken().values())
        if broken:
            raise TrainingError(
                f"training diverged: of {len(self):,} tracks {broken:,} have a vector that is not finite; expected "
                f"none. Lower alpha, which is {self.hyperparameters.get('alpha')}."
            )

    def unit_input_vectors(self, order: np.ndarray | None = None) -> np.ndarray:
        """(n, d) float32 input vectors of length 1, so that a dot product is a cosine; in ``order`` (n,), if given."""
        vectors = self.input_vectors.copy() if order is None else self.input_vectors[order]
        vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return vectors


def save_embeddings(embeddings: TrackEmbeddings, path: Path, notes: Mapping[str, str]) -> None:
    """Write ``embeddings`` and ``notes`` (text by name) to ``path``; the same input gives the same bytes."""
    tensors = {name: np.ascontiguousarray(getattr(embeddings, name), dtype) for name, dtype in TENSORS.items()}
    write_tensors(path, tensors, {"hyperparameters": embeddings.hyperparameters, "notes": dict(notes)})


def open_embeddings(path: Path) -> TrackEmbeddings:
    """Open a file whose bytes were checked; its arrays are mapped from disk, read-only, and read when used.

    Raises UnreadableError: it is cut off, or of another kind.
    """
    tensors, header = map_tensors(path)
    require_arrays(tensors, TENSORS)
    return TrackEmbeddings(**{name: tensors[name] for name in TENSORS}, hyperparameters=header["hyperparameters"])


def load_keyed_vectors(path: Path | str, catalog: Path | str | None = None) -> "KeyedVectors":
    """Open track embeddings as gensim ``KeyedVectors``.

    Args:
        path: ``track_embeddings.safetensors``.
        catalog: ``track_catalog.parquet``; with it the keys are ``artist|||track``, without it ``track_index``.

    Raises StoreError: a file is missing, damaged or of another kind; or the vectors were made from another catalog.
    """
    with naming(path, "Materialize track_embeddings again."):
        verify_seal(Path(path))
        embeddings, notes = open_embeddings(Path(path)), read_layout(Path(path)).header["notes"]
    keys = embeddings.track_index.tolist()
    if catalog is not None:
        keys = _names(Path(catalog), keys, meant=Lineage.from_json(notes[LINEAGE_KEY]), vectors=path)
    from gensim.models import KeyedVectors  # two seconds, which readers of a model need not spend

    found = KeyedVectors(vector_size=embeddings.input_vectors.shape[1])
    found.add_vectors(keys, np.asarray(embeddings.input_vectors))
    return found


def _names(catalog: Path, tracks: list[int], *, meant: Lineage, vectors: Path | str) -> list[str]:
    """Artist and track of each of the ``tracks`` as one text, in a catalog of the version in the lineage ``meant``."""
    import pandas as pd
    import pyarrow.parquet as pq

    with naming(catalog, "Materialize track_catalog again."):
        verify_seal(catalog)
        footer = (pq.read_metadata(catalog).metadata or {}).get(LINEAGE_KEY.encode())
        if footer is None:
            raise UnreadableError("has no lineage: it is not a table of this package")
        found = Lineage.from_json(footer.decode()).data_version
    expected = meant.ancestors["track_catalog"]["data_version"]
    if found != expected:
        raise StoreError(
            f"{vectors} was made from track_catalog {expected}, but {catalog} is {found}: it would name other tracks. "
            "Run training_job, or materialize again everything after track_catalog."
        )
    table = pd.read_parquet(catalog, columns=["track_index", "artist", "track"]).set_index("track_index")
    named = table.loc[tracks].fillna("")
    return (named["artist"] + "|||" + named["track"]).tolist()
