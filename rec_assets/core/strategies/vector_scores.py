"""Scores that are dot products, searched exactly and with ties told apart, by faiss."""

import faiss
import numpy as np

from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.strategies.answers import NO_TRACK, Answers, Scores

# A query asks for as many tracks more as its history may take away; queries of similar need are searched together.
_LEAST_SPARE = 8


class VectorIndex:
    """Vectors of ``n`` tracks, in ascending order of their rows, to be searched by dot product.

    Args:
        vectors: (n, d) float32.
        rows: (n,) rows of the tracks, ascending: the place of a vector decides ties.
        tracks: number of all rows.
    """

    def __init__(self, vectors: np.ndarray, rows: np.ndarray, tracks: int) -> None:
        self.vectors = np.ascontiguousarray(vectors, np.float32)
        self.rows = rows.astype(np.int32)
        self.place = np.full(tracks, NO_TRACK, np.int64)
        self.place[rows] = np.arange(len(rows))
        self._index = faiss.IndexFlatIP(self.vectors.shape[1])
        self._index.add(self.vectors)  # pyright: ignore[reportCallIssue]

    def __len__(self) -> int:
        """Number of vectors."""
        return len(self.rows)

    def search(self, queries: np.ndarray, depth: int) -> tuple[np.ndarray, np.ndarray]:
        """(m, depth) places and (m, depth) float32 scores of the nearest, best first, ties by the lowest place.

        A query with a NaN finds nothing: its places are -1. ``depth`` is at most the number of vectors.
        """
        # One more, to see whether a tie goes on beyond the border: which of equal scores faiss keeps is its own affair.
        width = min(depth + 1, len(self))
        scores, places = self._index.search(np.ascontiguousarray(queries, np.float32), width)  # pyright: ignore[reportCallIssue]
        if width > depth:
            for query in np.flatnonzero((scores[:, depth - 1] == scores[:, depth]) & (places[:, depth] >= 0)):
                places[query], scores[query] = self._search_all(queries[query], width)
        order = np.lexsort((places, -scores), axis=1)
        return np.take_along_axis(places, order, 1)[:, :depth], np.take_along_axis(scores, order, 1)[:, :depth]

    def _search_all(self, query: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
        scores = self.vectors @ query.astype(np.float32)
        places = np.lexsort((np.arange(len(scores)), -scores))[:width]
        return places, scores[places]


class VectorScores:
    """Dot products of ``m`` queries with every vector of an index.

    Args:
        index: the vectors.
        queries: (m, d) float32.
        itself: (m,) rows that are never answered, since they are the query; ``NO_TRACK`` where there is none.
        has_query: (m,) bool; where it is false, ``otherwise`` answers.
        otherwise: scores for the same histories.
    """

    def __init__(
        self, index: VectorIndex, queries: np.ndarray, itself: np.ndarray, has_query: np.ndarray, otherwise: Scores
    ) -> None:
        self._index, self._queries, self._itself = index, queries, itself
        self._has_query, self._otherwise = has_query, otherwise

    def top(self, depth: int, left_out: FlatSequences | None = None) -> Answers:
        """See :class:`~rec_assets.core.strategies.answers.Scores`."""
        answers = Answers.empty(len(self._queries), depth)
        asked = np.flatnonzero(self._has_query)
        spare = np.ones(len(self._queries), np.int64)
        if left_out is not None:
            spare += left_out.lengths()
        buckets = np.ceil(np.log2(np.maximum(spare, _LEAST_SPARE))).astype(np.int64)
        for bucket in np.unique(buckets[asked]).tolist():
            members = asked[buckets[asked] == bucket]
            width = min(depth + 2**bucket, len(self._index))
            places, scores = self._index.search(self._queries[members], width)
            self._keep_allowed(answers, members, places, scores, left_out)
        if len(asked) < len(self._queries):
            self._fill_from_otherwise(answers, left_out)
        return answers

    def _keep_allowed(
        self,
        answers: Answers,
        members: np.ndarray,
        places: np.ndarray,
        scores: np.ndarray,
        left_out: FlatSequences | None,
    ) -> None:
        depth = answers.rows.shape[1]
        rows = np.where(places >= 0, self._index.rows[places], NO_TRACK)
        allowed = (rows != NO_TRACK) & (rows != self._itself[members, None])
        if left_out is not None:
            for number, history in enumerate(members.tolist()):
                own = left_out.values[left_out.offsets[history] : left_out.offsets[history + 1]]
                allowed[number] &= ~np.isin(rows[number], own)
        # Those that are allowed first, in their order.
        order = np.argsort(~allowed, axis=1, kind="stable")[:, :depth]
        kept = np.take_along_axis(allowed, order, 1)
        found = order.shape[1]
        answers.rows[members, :found] = np.where(kept, np.take_along_axis(rows, order, 1), NO_TRACK)
        answers.scores[members, :found] = np.where(kept, np.take_along_axis(scores, order, 1), -np.inf)

    def _fill_from_otherwise(self, answers: Answers, left_out: FlatSequences | None) -> None:
        others = self._otherwise.top(answers.rows.shape[1], left_out)
        answers.rows[~self._has_query] = others.rows[~self._has_query]
        answers.scores[~self._has_query] = others.scores[~self._has_query]

    def at(self, history: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """The dot products; NaN for tracks without a vector and histories without a query."""
        places = self._index.place[rows]
        found = (places != NO_TRACK) & self._has_query[history]
        scores = np.full(len(rows), np.nan, np.float32)
        scores[found] = np.einsum("cd,cd->c", self._queries[history[found]], self._index.vectors[places[found]])
        return scores
