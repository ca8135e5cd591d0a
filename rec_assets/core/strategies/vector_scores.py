"""Scores that are dot products, and the exact search for the greatest of them, block by block."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.read_only import read_only
from rec_assets.core.strategies.answers import NO_TRACK, Answers, Scores
from rec_assets.core.strategies.vector_lists import MARGIN, VectorLists

# Times the queries at once 16 MB of scores, which stay near the processor: with 128 MB it takes 1.6 times as long.
_BLOCK, _QUERIES = 16_384, 256
# A matrix product rounds otherwise for another number of queries or kernel of BLAS. So a few more are found by it than
# are asked, and all of them are scored again, each by itself: the same question has the same answer in any batch,
# unless more vectors than these come within a rounding error of the last answer, such as many copies of one vector.
_MARGIN = 16
_NOTHING = (np.empty(0, np.int64), np.empty(0, np.int64))


@dataclass(frozen=True)
class VectorIndex:
    """Vectors of ``n`` tracks, in ascending order of their rows, to be searched by dot product.

    The search takes one and a half times as long as the bare matrix product, where ``faiss.IndexFlatIP`` takes two to
    six times (471,077 vectors, 128 to 8,192 queries), it knows ties, and leaves tracks out before the best are taken.

    Attributes:
        vectors: (n, d) float32; one with a number that is not finite is never found.
        rows: (n,) int32 rows of the tracks, ascending: the place of a vector decides ties.
        place: (t,) int32 place of each row's vector; ``NO_TRACK`` where it has none.
        broken: (b,) int64 places of the vectors that are not finite.
    """

    vectors: np.ndarray
    rows: np.ndarray
    place: np.ndarray
    broken: np.ndarray

    @classmethod
    def build(cls, vectors: np.ndarray, rows: np.ndarray, tracks: int) -> "VectorIndex":
        """The index of ``vectors`` (n, d) of ascending ``rows`` (n,), among ``tracks`` rows in all."""
        vectors = np.ascontiguousarray(vectors, np.float32)
        place = np.full(tracks, NO_TRACK, np.int32)
        place[rows] = np.arange(len(rows))
        return cls(vectors, rows, place, np.flatnonzero(~np.isfinite(vectors).all(axis=1)))

    def __len__(self) -> int:
        """Number of vectors."""
        return len(self.rows)

    def search(
        self, queries: np.ndarray, depth: int, left_out: tuple[np.ndarray, np.ndarray] = _NOTHING
    ) -> tuple[np.ndarray, np.ndarray]:
        """The nearest vectors of each of ``queries`` (m, d) float32; one that is not finite finds nothing.

        ``left_out`` are (x,) queries and (x,) places that are no answer to them.

        Returns:
            (m, depth) int64 places and (m, depth) float32 scores, best first, ties by the lowest place; where there
            are no more, ``NO_TRACK`` and -inf.
        """
        silent_queries, silent_places = left_out
        places = np.empty((len(queries), depth), np.int64)
        scores = np.empty(places.shape, np.float32)
        for first in range(0, len(queries), _QUERIES):
            part, own = slice(first, first + _QUERIES), silent_queries // _QUERIES == first // _QUERIES
            places[part], scores[part] = self._search(
                queries[part], depth, silent_queries[own] - first, silent_places[own]
            )
        return places, scores

    def _search(
        self, queries: np.ndarray, depth: int, silent_queries: np.ndarray, silent_places: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        asks = np.asarray(np.isfinite(queries).all(axis=1))
        asked = np.where(asks[:, None], queries, 0).astype(np.float32)
        order = np.argsort(silent_places, kind="stable")
        silent_queries, silent_places = silent_queries[order], silent_places[order]

        def blocks() -> Iterator[tuple[int, np.ndarray]]:
            for start in range(0, len(self), _BLOCK):
                stop = min(start + _BLOCK, len(self))
                block = asked @ self.vectors[start:stop].T
                own = slice(*np.searchsorted(silent_places, [start, stop]).tolist())
                block[silent_queries[own], silent_places[own] - start] = -np.inf
                block[:, self.broken[(self.broken >= start) & (self.broken < stop)] - start] = -np.inf
                yield start, block

        # The same is found; numba takes longer to load than it saves a job that asks few vectors alone.
        find = _best_of_many if len(self) > _BLOCK or "numba" in sys.modules else _best_of_one
        places, scores = self.scored(asked, find(blocks(), len(asked), depth + _MARGIN), depth)
        places[~asks], scores[~asks] = NO_TRACK, -np.inf
        return places, scores

    def scored(self, queries: np.ndarray, places: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
        """The ``depth`` best of ``places`` (m, p) for ``queries`` (m, d), scored one by one, ties by the lowest place.

        Returns what :meth:`search` does.
        """
        scores = np.einsum("md,mpd->mp", queries, self.vectors[places])
        scores[places == NO_TRACK] = -np.inf
        order = np.lexsort((places, -scores))[:, :depth]
        return np.take_along_axis(places, order, 1), np.take_along_axis(scores, order, 1)


def _best_of_one(blocks: Iterator[tuple[int, np.ndarray]], queries: int, depth: int) -> np.ndarray:
    """(m, depth) places of the greatest scores in one block, in no order, ties by the lowest place."""
    found = np.full((queries, depth), NO_TRACK, np.int32)
    for _, block in blocks:
        scores, kept = np.fmax(block, -np.inf), min(depth, block.shape[1])  # without NaN, which is no answer
        worst = np.partition(scores, -kept, axis=1)[:, [-kept]]
        best = scores >= worst
        for query in np.flatnonzero(np.count_nonzero(best, axis=1) > kept):
            better = np.count_nonzero(scores[query] > worst[query])
            best[query, np.flatnonzero(scores[query] == worst[query])[kept - better :]] = False
        places = np.nonzero(best)[1].reshape(queries, kept)
        found[:, :kept] = np.where(np.take_along_axis(scores, places, 1) > -np.inf, places, NO_TRACK)
    return found


def _best_of_many(blocks: Iterator[tuple[int, np.ndarray]], queries: int, depth: int) -> np.ndarray:
    """The same of many blocks, each of which begins at a place, by a compiled loop."""
    from rec_assets.core.strategies import best_loops

    places, counts = np.full((queries, depth), NO_TRACK, np.int32), np.zeros(queries, np.int64)
    scores, floor = np.full(places.shape, -np.inf, np.float32), np.full(queries, -np.inf, np.float32)
    for start, block in blocks:
        if start == 0 and depth < block.shape[1]:  # else most of the first ones would enter the heap, and leave it
            floor = np.partition(np.fmax(block, -np.inf), -depth, axis=1)[:, -depth].copy()
        best_loops.offer_block(block, start, floor, places, scores, counts)
    return places


@dataclass(frozen=True)
class VectorScores:
    """Dot products of ``m`` queries with every vector of an index.

    Attributes:
        queries: (m, d) float32.
        itself: (m,) rows that are never answered, since they are the query; ``NO_TRACK`` where there is none.
        has_query: (m,) bool; where it is false, ``otherwise`` answers.
    """

    index: VectorIndex
    queries: np.ndarray
    itself: np.ndarray
    has_query: np.ndarray
    otherwise: Scores

    def top(self, depth: int, left_out: FlatSequences | None = None) -> Answers:
        """See :class:`~rec_assets.core.strategies.answers.Scores`."""
        return self._answers(*self.index.search(self.queries, depth, self._silent(left_out)), left_out)

    def nearly_top(self, lists: VectorLists, depth: int) -> Answers:
        """Nearly the same as :meth:`top`: of what the search of ``lists`` of the same vectors finds.

        Nothing is left out, not even the query itself.
        """
        return self._answers(*self.index.scored(self.queries, lists.search(self.queries, depth + MARGIN), depth))

    def _answers(self, places: np.ndarray, scores: np.ndarray, left_out: FlatSequences | None = None) -> Answers:
        rows = np.where(places == NO_TRACK, NO_TRACK, self.index.rows[places]).astype(np.int32)
        if not self.has_query.all():
            others = self.otherwise.top(places.shape[1], left_out)
            rows = np.where(self.has_query[:, None], rows, others.rows)
            scores = np.where(self.has_query[:, None], scores, others.scores)
        return Answers(rows, scores)

    def _silent(self, left_out: FlatSequences | None) -> tuple[np.ndarray, np.ndarray]:
        """Queries and places that are no answer: the query itself, and what is left out of it."""
        queries = np.flatnonzero(self.itself != NO_TRACK)
        rows = self.itself[queries]
        if left_out is not None:
            queries, rows = np.concatenate([queries, left_out.owners()]), np.concatenate([rows, left_out.values])
        places = self.index.place[rows]
        return queries[places != NO_TRACK], places[places != NO_TRACK]

    def at(self, history: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The dot products; NaN for tracks without a vector and histories without a query."""
        from rec_assets.core.strategies import product_loops

        queries = read_only(self.queries), read_only(self.has_query)
        vectors = read_only(self.index.vectors), read_only(self.index.place)
        return product_loops.multiply_pairs(queries, vectors, read_only(history), read_only(rows))
