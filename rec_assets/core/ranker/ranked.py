"""The ranker as a strategy: LightGBM's trees over candidates.

The trees are asked by LightGBM's C interface, since its Python package imports pandas and more.
"""

import ctypes
import importlib.util
import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from rec_assets.core.base.errors import StoreError, TrainingError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.openmp import wait_without_spinning
from rec_assets.core.ranker.learned import BATCH, Ranker
from rec_assets.core.ranker.sources import FEATURES, Sources, candidate_features
from rec_assets.core.strategies.sparse import SparseRows, SparseScores

# Names in LightGBM's c_api.h.
_FLOAT32, _RAW_SCORE, _ROW_MAJOR, _ALL_TREES = 0, 1, 1, -1


class Trees:
    """Trained trees of ``model``, LightGBM's text; they predict as ``lightgbm.Booster`` does, safe in many threads.

    Raises:
        StoreError: the text is no model.
        TrainingError: LightGBM's library cannot be loaded.
    """

    def __init__(self, model: str) -> None:
        self.model = model
        self._library, self._handle, trees = _load(), ctypes.c_void_p(), ctypes.c_int()
        self._call("LGBM_BoosterLoadModelFromString", model.encode(), ctypes.byref(trees), ctypes.byref(self._handle))
        weakref.finalize(self, self._library.LGBM_BoosterFree, self._handle)

    def predict(self, features: np.ndarray) -> np.ndarray:
        """(c,) float32 scores of ``features`` (c, f) float32."""
        rows, columns = features.shape
        scores, count = np.empty(rows, np.float64), ctypes.c_int64()
        self._call(
            "LGBM_BoosterPredictForMat",
            self._handle,
            np.ascontiguousarray(features, np.float32).ctypes.data_as(ctypes.c_void_p),
            *(ctypes.c_int(value) for value in (_FLOAT32, rows, columns, _ROW_MAJOR, _RAW_SCORE, 0, _ALL_TREES)),
            b"num_threads=1",  # several threads ask at once
            ctypes.byref(count),
            scores.ctypes.data_as(ctypes.POINTER(ctypes.c_double)),
        )
        return scores.astype(np.float32)

    def _call(self, name: str, *arguments: Any) -> None:
        if getattr(self._library, name)(*arguments) != 0:
            message = self._library.LGBM_GetLastError().decode(errors="replace")
            raise StoreError(f"LightGBM refuses the stored ranker ({message}). Materialize track_ranker again.")


@cache
def _load() -> ctypes.CDLL:
    wait_without_spinning()
    package = importlib.util.find_spec("lightgbm")
    folders = package.submodule_search_locations if package else None
    found = [path for folder in folders or [] for path in sorted(Path(folder).glob("lib/lib_lightgbm.*"))]
    if not found:
        raise TrainingError("LightGBM is not installed, or has no lib/lib_lightgbm. Install it again.")
    try:
        library = ctypes.CDLL(str(found[0]))
    except OSError as error:
        raise TrainingError(f"LightGBM cannot be loaded ({error}). On Debian: apt-get install libgomp1") from error
    library.LGBM_GetLastError.restype = ctypes.c_char_p
    return library


@dataclass(frozen=True)
class RankedCandidates:
    """Candidates of all ``sources``, fitted on all training playlists, in the order of a ranker's ``trees``."""

    sources: Sources
    trees: Trees
    batch = BATCH

    @classmethod
    def join(cls, sources: Sources, ranker: Ranker) -> "RankedCandidates":
        """The ``ranker`` over other ``sources`` than those it learned from.

        Raises:
            StoreError: the ranker was trained on other features than this version makes.
        """
        if ranker.features != FEATURES:
            raise StoreError(
                f"the stored ranker takes the features {', '.join(ranker.features)}; this version makes "
                f"{', '.join(FEATURES)}. Materialize track_ranker again."
            )
        return cls(sources, Trees(ranker.model))

    def arrays(self) -> dict[str, np.ndarray]:
        """The trees alone, as UTF-8 bytes of their text: the sources are strategies of their own."""
        return {"trees": np.frombuffer(self.trees.model.encode(), np.uint8)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], sources: Sources) -> "RankedCandidates":
        """The inverse of :meth:`arrays`."""
        return cls(sources, Trees(arrays["trees"].tobytes().decode()))

    def score(self, histories: FlatSequences) -> SparseScores:
        """Scores of the candidates; all other tracks are no answer."""
        candidates = self.sources.propose(histories)
        scores = self.trees.predict(candidate_features(self.sources, histories, candidates))
        starts = np.searchsorted(candidates.history, np.arange(len(histories) + 1))
        rows = SparseRows(starts, candidates.rows.astype(np.int32), scores, len(self.sources.tracks))
        return SparseScores(rows, above=-np.inf)
