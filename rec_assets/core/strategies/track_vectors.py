"""Word2Vec vectors asked in several ways: what the query is, what it is held against, and what helps the cold."""

import hashlib
from dataclasses import dataclass
from enum import Enum

import numpy as np
from scipy.sparse import csr_matrix

from rec_assets.core.artists import UNKNOWN_ARTIST
from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.strategies.answers import NO_TRACK
from rec_assets.core.strategies.popularity import Popularity
from rec_assets.core.strategies.sparse import recency_weights, row_sums
from rec_assets.core.strategies.vector_scores import VectorIndex, VectorScores
from rec_assets.core.tracks import Tracks


class Query(Enum):
    """What asks: the last track, or the history with weights that fall by recency."""

    last = "last"
    history = "history"


class Scoring(Enum):
    """What the query is held against: the cosine of input vectors, or its product with output vectors."""

    cosine = "cosine"
    output = "output"


class ColdQuery(Enum):
    """What stands in for a query without a vector."""

    random = "random"
    artist = "artist"
    history = "history"
    popularity = "popularity"


@dataclass(frozen=True)
class VectorQuery:
    """How embeddings are asked.

    Attributes:
        query: the last track, or the weighted mean of the last ``length`` tracks, ``decay`` per step back.
        scoring: ``cosine``, input against input vectors, is the tutorial's; ``output`` is what Word2Vec is trained
            for: how likely a track stands near the query.
        cold: what stands in for a track without a vector: a ``random`` track (the tutorial's), the mean of its
            ``artist`` (where that has none, the track before), or the last tracks of the ``history`` that have one;
            where that gives nothing, and with ``popularity`` at once, the most frequent tracks are the answer.
        decay, length: of the ``history``.
        popularity_prior: times ``log(count)`` is added to a product with an output vector. Negative sampling learns
            the likelihood over that of the noise, ``count ** ns_exponent`` (Levy & Goldberg 2014, "Neural word
            embedding as implicit matrix factorization"): adding ``ns_exponent * log(count)`` gives it back.
        cold_seed: draws the random tracks, with the playlist's id.
    """

    query: Query = Query.history
    scoring: Scoring = Scoring.output
    cold: ColdQuery = ColdQuery.history
    decay: float = 0.9
    length: int = 20
    popularity_prior: float = 0.4
    cold_seed: int = 0


TUTORIAL_QUERY = VectorQuery(Query.last, Scoring.cosine, ColdQuery.random)


class TrackVectors:
    """Recommends the tracks whose vectors fit the query's best. A query with NaN answers nothing."""

    batch = 2_048

    def __init__(self, tracks: Tracks, embeddings: TrackEmbeddings, asked: VectorQuery) -> None:
        self._asked, self._tracks, self._popularity = asked, len(tracks), Popularity(tracks)
        rows = tracks.row_of[embeddings.track_index]
        order = np.argsort(rows)
        inputs, against = embeddings.input_vectors[order], embeddings.output_vectors[order]
        if asked.scoring is Scoring.cosine:
            inputs = against = embeddings.unit_input_vectors()[order]
        # The prior is one dimension more, in which every query has a 1.
        prior = asked.popularity_prior * np.log(embeddings.count[order]) * (asked.scoring is Scoring.output)
        self._index = VectorIndex(np.column_stack([against, prior.astype(np.float32)]), rows[order], len(tracks))
        self._table, self._place = inputs, self._index.place
        if asked.cold is ColdQuery.artist:
            self._table, self._place = _with_artists(inputs, self._place, tracks.artist)

    def score(self, histories: FlatSequences) -> VectorScores:
        """Scores of all tracks that have a vector; of the most frequent ones where a history gives no query."""
        asked, chosen = self._asked, histories
        if asked.cold in (ColdQuery.history, ColdQuery.artist):
            chosen = histories.where(self._place[histories.values] != NO_TRACK)
        length = 1 if asked.query is Query.last else asked.length
        weights = recency_weights(chosen, self._tracks, decay=asked.decay, length=length)
        weights.data[self._place[weights.indices] == NO_TRACK] = 0
        # They leave the sum: 0 times a broken vector is NaN.
        weights.eliminate_zeros()
        shape = (len(histories), len(self._table))
        places = self._place[weights.indices]
        queries = csr_matrix((weights.data, places, weights.indptr), shape=shape) @ self._table
        totals = row_sums(weights)
        has_query = totals > 0
        queries[has_query] /= totals[has_query, None]
        itself = np.full(len(histories), NO_TRACK, np.int64)
        if asked.query is Query.last and asked.scoring is Scoring.cosine:
            itself[has_query] = weights.indices[weights.indptr[:-1][has_query]]
        if asked.cold is ColdQuery.random:
            drawn = self._draw(histories.ids[~has_query])
            queries[~has_query], itself[~has_query] = self._table[drawn], self._index.rows[drawn]
            has_query[:] = True
        if asked.scoring is Scoring.cosine:
            queries /= np.maximum(np.linalg.norm(queries, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        queries = np.column_stack([queries, np.ones(len(queries), np.float32)])
        return VectorScores(self._index, queries, itself, has_query, self._popularity.score(histories))

    def cosines(self, row: int, others: np.ndarray) -> np.ndarray:
        """(o,) cosine of the input vector of the track ``row`` and those of ``others`` (o,); NaN where one has none."""
        places = self._index.place[others]
        found = np.full(len(others), np.nan)
        if self._index.place[row] != NO_TRACK:
            own, theirs = self._table[self._index.place[row]], self._table[places[places != NO_TRACK]]
            lengths = np.linalg.norm(own) * np.linalg.norm(theirs, axis=1)
            found[places != NO_TRACK] = theirs @ own / np.maximum(lengths, np.finfo(np.float32).tiny)
        return found

    def _draw(self, playlist_ids: np.ndarray) -> np.ndarray:
        """A random vector for each playlist, whatever else is asked and in which order."""
        draws = [hashlib.blake2b(f"{self._asked.cold_seed} {name}".encode(), digest_size=8) for name in playlist_ids]
        return np.array([int.from_bytes(draw.digest()) % len(self._index) for draw in draws], np.int64)


def _with_artists(inputs: np.ndarray, place: np.ndarray, artist: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``inputs`` and below them the mean of each artist's, at which the ``place`` of its tracks without a vector is."""
    helped = (place != NO_TRACK) & (artist != UNKNOWN_ARTIST)
    ones = np.ones(np.count_nonzero(helped), np.float32)
    shape = (int(artist.max(initial=-1)) + 1, len(inputs))
    sums = csr_matrix((ones, (artist[helped], place[helped])), shape=shape)
    counts = row_sums(sums)
    means = (sums @ inputs) / np.maximum(counts, 1)[:, None]
    stands_in = (place == NO_TRACK) & (artist != UNKNOWN_ARTIST)
    stands_in[stands_in] = counts[artist[stands_in]] > 0
    return np.vstack([inputs, means]), np.where(stands_in, len(inputs) + artist, place)
