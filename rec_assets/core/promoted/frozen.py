"""A fitted strategy as data: its arrays, and a tree of text and numbers that says what they belong to.

Fitting takes minutes at full size, mapping what was fitted takes milliseconds. Only the classes listed here are ever
made from a file, and none of their code runs on what is read but ``__setstate__``.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from rec_assets.core.errors import StoreError
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.names import TextColumn, TrackNames
from rec_assets.core.ranker import RankedCandidates, Sources
from rec_assets.core.ranker.trees import Trees
from rec_assets.core.strategies import (
    ArtistAffinity,
    ColdQuery,
    ItemKnn,
    PlaylistKnn,
    Popularity,
    Query,
    Scoring,
    SequentialRules,
    TrackVectors,
    VectorQuery,
)
from rec_assets.core.strategies.cooccurrence import Cooccurrence
from rec_assets.core.strategies.vector_scores import VectorIndex
from rec_assets.core.tracks import Tracks

_CLASSES: dict[str, type] = {
    known.__name__: known
    for known in (
        *(ArtistAffinity, ItemKnn, PlaylistKnn, Popularity, SequentialRules, TrackVectors, RankedCandidates),
        *(Cooccurrence, VectorIndex, VectorQuery, Sources, Trees, Tracks, FlatSequences, TextColumn, TrackNames),
    )
}
_ENUMS: dict[str, type[Enum]] = {known.__name__: known for known in (ColdQuery, Query, Scoring)}


class Freezer:
    """Takes objects apart into a JSON-ready tree and arrays; an array that several hold is kept once.

    Attributes:
        tensors: the arrays so far, by name.
    """

    def __init__(self) -> None:
        self.tensors: dict[str, np.ndarray] = {}
        self._names: dict[tuple, str] = {}

    def freeze(self, value: Any, name: str) -> Any:
        """The tree of ``value``, which is found in the file as ``name``.

        Raises:
            TypeError: it holds something that is no data, or of a class that is not listed.
        """
        if value is None or isinstance(value, (bool, int, float, str)):
            return value
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, np.ndarray):
            return {"array": self._keep(value, name)}
        if isinstance(value, csr_matrix):
            parts = {part: self._keep(getattr(value, part), f"{name}.{part}") for part in ("data", "indices", "indptr")}
            return {"sparse": parts, "shape": [int(length) for length in value.get_shape()]}
        if isinstance(value, Enum):
            return {"enum": type(value).__name__, "value": value.value}
        if isinstance(value, dict):
            return {"dict": [[key, self.freeze(entry, f"{name}.{key}")] for key, entry in value.items()]}
        if _CLASSES.get(type(value).__name__) is not type(value):
            raise TypeError(f"{name} is a {type(value).__name__}, which cannot be kept in a file")
        state = dict(value.__getstate__())
        return {"class": type(value).__name__, "state": self.freeze(state, name)}

    def _keep(self, array: np.ndarray, name: str) -> str:
        place = array.__array_interface__["data"][0], array.shape, array.strides, array.dtype.str
        known = self._names.setdefault(place, name)
        self.tensors.setdefault(known, array)
        return known


def thaw(tree: Any, tensors: Mapping[str, np.ndarray]) -> Any:
    """The inverse of :meth:`Freezer.freeze`.

    Raises:
        StoreError: the tree names a class or an array that is not known.
    """
    if not isinstance(tree, dict):
        return tree
    makers: dict[str, Callable[[], Any]] = {
        "array": lambda: tensors[tree["array"]],
        "sparse": lambda: _sparse({part: tensors[name] for part, name in tree["sparse"].items()}, tree["shape"]),
        "enum": lambda: _ENUMS[tree["enum"]](tree["value"]),
        "dict": lambda: {key: thaw(entry, tensors) for key, entry in tree["dict"]},
        "class": lambda: _instance(_CLASSES[tree["class"]], thaw(tree["state"], tensors)),
    }
    try:
        return next(make for kind, make in makers.items() if kind in tree)()
    except (KeyError, StopIteration, ValueError, TypeError) as error:
        raise StoreError(f"it holds what this version of rec_assets does not know ({error!r}).") from error


def _sparse(parts: Mapping[str, np.ndarray], shape: list[int]) -> csr_matrix:
    return csr_matrix((parts["data"], parts["indices"], parts["indptr"]), shape=tuple(shape), copy=False)


def _instance(kind: type, state: dict[str, Any]) -> Any:
    made: Any = object.__new__(kind)
    if hasattr(kind, "__setstate__"):
        made.__setstate__(state)
    else:
        made.__dict__.update(state)
    return made
