"""Track embeddings as data: two vectors per track, and the hyperparameters that made them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from rec_assets.core.base.errors import TrainingError

if TYPE_CHECKING:
    from gensim.models import KeyedVectors


@dataclass(frozen=True)
class TrackEmbeddings:
    """A trained model of ``n`` tracks in ``d`` dimensions; row ``i`` of every array is the same track.

    Attributes:
        track_index: (n,) int32, the track's number in the catalog.
        count: (n,) int64, occurrences in the training sequences; rows are in falling order of it.
        input_vectors: (n, d) float32, gensim's ``wv.vectors``.
        output_vectors: (n, d) float32, gensim's ``syn1neg``: an input vector times an output vector
            scores how likely the two tracks stand together.
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

    def rows_of(self, track_indexes: np.ndarray) -> np.ndarray:
        """(m,) the row of each track, -1 where it is cold, that is, outside the vocabulary."""
        size = 1 + max(int(self.track_index.max(initial=-1)), int(np.max(track_indexes, initial=-1, axis=None)))
        row_by_track = np.full(size, -1, np.int64)
        row_by_track[self.track_index] = np.arange(len(self))
        return row_by_track[track_indexes]

    def count_broken(self) -> dict[str, int]:
        """Tracks with a NaN or an infinite number in their vector, by side."""
        return {
            side: int((~np.isfinite(getattr(self, side)).all(axis=1)).sum())
            for side in ("input_vectors", "output_vectors")
        }

    def require_finite(self) -> None:
        """Refuses what training left when it diverged.

        Raises:
            TrainingError: a vector has a NaN or an infinite number.
        """
        broken = max(self.count_broken().values())
        if broken:
            raise TrainingError(
                f"training diverged: of {len(self):,} tracks {broken:,} have a vector that is not finite; expected "
                f"none. Lower alpha, which is {self.hyperparameters.get('alpha')}."
            )

    def unit_input_vectors(self) -> np.ndarray:
        """(n, d) float32 input vectors of length 1, so that a dot product is a cosine."""
        norms = np.linalg.norm(self.input_vectors, axis=1, keepdims=True)
        return np.ascontiguousarray(self.input_vectors / np.maximum(norms, np.finfo(np.float32).tiny))

    def to_keyed_vectors(self, keys: Iterable[str | int] | None = None) -> "KeyedVectors":
        """The input vectors as gensim ``KeyedVectors``, by ``track_index`` or by the ``keys`` given, one a row."""
        from gensim.models import KeyedVectors  # two seconds, which readers of a model need not spend

        vectors = KeyedVectors(vector_size=self.input_vectors.shape[1])
        vectors.add_vectors(
            list(keys) if keys is not None else self.track_index.tolist(), np.asarray(self.input_vectors)
        )
        return vectors
