"""An approximate search for the greatest dot products: vectors lie in lists by their nearest centre, few are read."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from rec_assets.core.base.one_blas_thread import one_blas_thread
from rec_assets.core.base.read_only import read_only

# Fewer vectors than these are searched exactly in less than the time that the other strategies take.
FEWEST = 50_000
# Of 471,077 vectors, 192 of 2,059 lists hold 97 % of the exact 200 best, and the ranker's 10 best are 99.2 % the same;
# they are read 14 times as fast as all, one question at a time. As many lists of faiss (IndexIVFFlat) find as many in
# more time, take 66 MB to install, and 0.2 s and memory of their own in every process, where these are mapped.
_LISTS_PER_ROOT, _READ = 3, 192
_ROUNDS, _VECTORS_PER_LIST, _SEED = 8, 40, 0  # of k-means, over a sample
_BLOCK = 2_048  # vectors at once: times the lists 17 MB of scores for each thread
# Eight bits for each number: a quarter of the memory, which is what a single question waits for. So many more are found
# than are asked, and scored by the whole vectors: of 512 queries none of the 200 best was lost.
MARGIN, _LARGEST = 32, 127


@dataclass(frozen=True)
class VectorLists:
    """Vectors of an index by their nearest of ``l`` centres: an inverted file (Jégou et al. 2011, "Product
    quantization for nearest neighbor search", section IV), of vectors rounded to 8 bits a number.

    Attributes:
        centres: (l, d) float32 means.
        starts: (l + 1,) int64 where each list begins.
        places: (v,) int32 places of the vectors, list by list; those that are not finite are in none.
        codes: (v, d) int8, in the order of ``places``: the vectors, in units of ``scale``.
        scale: (d,) float32.
    """

    centres: np.ndarray
    starts: np.ndarray
    places: np.ndarray
    codes: np.ndarray
    scale: np.ndarray

    @classmethod
    def build(cls, vectors: np.ndarray) -> "VectorLists":
        """The lists of ``vectors`` (n, d) float32, the same on every run."""
        places = np.flatnonzero(np.isfinite(vectors).all(axis=1)).astype(np.int32)
        finite = vectors if len(places) == len(vectors) else vectors[places]
        with one_blas_thread():
            centres = _centres(finite, max(1, round(_LISTS_PER_ROOT * len(finite) ** 0.5)))
            own = _nearest(finite, centres)
        order = np.argsort(own, kind="stable")
        starts = np.searchsorted(own[order], np.arange(len(centres) + 1))
        largest = np.maximum(finite.max(axis=0, initial=0), -finite.min(axis=0, initial=0))
        scale = np.maximum(largest, np.finfo(np.float32).tiny) / np.float32(_LARGEST)
        codes = np.empty(finite.shape, np.int8)
        for start in range(0, len(order), _BLOCK):
            codes[start : start + _BLOCK] = np.rint(finite[order[start : start + _BLOCK]] / scale)
        return cls(centres, starts, places[order], codes, scale)

    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays by name."""
        return dict(vars(self))

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "VectorLists":
        """The inverse of :meth:`arrays`."""
        return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})

    def search(self, queries: np.ndarray, depth: int) -> np.ndarray:
        """(m, depth) int32 places of nearly the greatest dot products with ``queries`` (m, d) float32, in no order.

        What lies in no list that is read is not found; where there are no more, the place is -1. Who wants the best of
        whole vectors asks for ``MARGIN`` more.
        """
        from rec_assets.core.strategies import vector_loops

        lists = read_only(self.starts), read_only(self.places), read_only(self.codes)
        asked = read_only(queries), read_only(queries * self.scale)
        return vector_loops.search_lists(asked, read_only(self.centres), lists, _READ, depth)


def _centres(vectors: np.ndarray, count: int) -> np.ndarray:
    """(count, d) float32 means of clusters of ``vectors`` (v, d): k-means (Lloyd 1982) over a sample."""
    draw = np.random.default_rng(_SEED)
    sample = vectors[draw.permutation(len(vectors))[: count * _VECTORS_PER_LIST]]
    centres = sample[:count].copy()
    for _ in range(_ROUNDS):
        own = _nearest(sample, centres)
        order = np.argsort(own, kind="stable")
        used, first = np.unique(own[order], return_index=True)
        centres[used] = np.add.reduceat(sample[order], first) / np.diff([*first, len(sample)])[:, None]
    return centres


def _nearest(vectors: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """(v,) the nearest of ``centres`` (l, d) for each of ``vectors`` (v, d), by Euclidean distance."""
    half_squares = np.einsum("ld,ld->l", centres, centres) / 2
    blocks = [vectors[start : start + _BLOCK] for start in range(0, len(vectors), _BLOCK)]

    def nearest(block: np.ndarray) -> np.ndarray:
        scores = block @ centres.T
        scores -= half_squares
        return scores.argmax(axis=1)

    with ThreadPoolExecutor(os.cpu_count()) as workers:
        return np.concatenate(list(workers.map(nearest, blocks)))
