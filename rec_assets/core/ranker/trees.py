"""LightGBM's trees, for prediction alone: by its C interface, since its Python package imports pandas and more."""

import ctypes
import importlib.util
import weakref
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from rec_assets.core.base.errors import StoreError, TrainingError

# Names in LightGBM's c_api.h.
_FLOAT32, _RAW_SCORE, _ROW_MAJOR, _ALL_TREES = 0, 1, 1, -1


class Trees:
    """Trained trees; predictions are those of ``lightgbm.Booster``, and safe from several threads.

    Args:
        model: LightGBM's text form.

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
        features = np.ascontiguousarray(features, np.float32)
        scores, count = np.empty(rows, np.float64), ctypes.c_int64()
        self._call(
            "LGBM_BoosterPredictForMat",
            self._handle,
            features.ctypes.data_as(ctypes.c_void_p),
            *(ctypes.c_int(value) for value in (_FLOAT32, rows, columns, _ROW_MAJOR, _RAW_SCORE, 0, _ALL_TREES)),
            b"",
            ctypes.byref(count),
            scores.ctypes.data_as(ctypes.POINTER(ctypes.c_double)),
        )
        return scores.astype(np.float32)

    def _call(self, name: str, *arguments: Any) -> None:
        if getattr(self._library, name)(*arguments) != 0:
            told = self._library.LGBM_GetLastError().decode(errors="replace")
            raise StoreError(f"LightGBM refuses the stored ranker ({told}). Materialize track_ranker again.")


@cache
def _load() -> ctypes.CDLL:
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
