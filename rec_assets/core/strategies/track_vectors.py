"""Word2Vec vectors asked in several ways: what the query is, what it is compared with, and what replaces a cold one."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
from pydantic import ConfigDict

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.base.tensor_file import of_prefix, with_prefix
from rec_assets.core.strategies.answers import NO_TRACK
from rec_assets.core.strategies.popularity import Popularity
from rec_assets.core.strategies.sparse import SparseRows, recency
from rec_assets.core.strategies.tracks import Tracks
from rec_assets.core.strategies.vector_scores import VectorIndex, VectorScores
from rec_assets.core.vectors.embeddings import TrackEmbeddings

if TYPE_CHECKING:
    from rec_assets.core.base.relations import Relation


class Query(Enum):
    """What asks: the last track, or the history with weights that fall by recency."""

    last = "last"
    history = "history"


class Scoring(Enum):
    """What the query is compared with: the cosine of input vectors, or its product with output vectors."""

    cosine = "cosine"
    output = "output"


class ColdQuery(Enum):
    """What stands in for a query without a vector."""

    random = "random"
    artist = "artist"
    history = "history"
    popularity = "popularity"


class VectorQuery(Settings):
    """How embeddings are asked; see Levy & Goldberg 2014 for the prior."""

    model_config = ConfigDict(frozen=True)

    query: Query = setting(
        Query.history,
        "Tracks that track_vectors asks with: only the `last` one of the playlist, or its `history`, in which later "
        "tracks weigh more.",
    )
    scoring: Scoring = setting(
        Scoring.output,
        "Vectors that track_vectors compares the query with: `cosine` = by cosine with input vectors, as the "
        "tutorial does; `output` = by product with output vectors, that is, how probable a track is near the query.",
    )
    cold_query: ColdQuery = setting(
        ColdQuery.history,
        "track_vectors, where the query track has no vector: ask with a `random` track, with the mean of its "
        "`artist`, with the last tracks of the `history` that have one, or answer with the most frequent tracks "
        "(`popularity`).",
    )
    query_decay: float = setting(
        0.9,
        "track_vectors with query: history: each step back from the end of the playlist multiplies a track's weight "
        "by this; 1 = all tracks weigh the same.",
        gt=0,
        le=1,
    )
    query_length: int = setting(
        20,
        "track_vectors with query: history: number of tracks from the end of the playlist that are taken into account.",
        ge=1,
        le=10_000,
    )
    # Negative sampling learns the likelihood over that of the noise, count ** ns_exponent (Levy & Goldberg 2014,
    # "Neural word embedding as implicit matrix factorization"): adding ns_exponent * log(count) gives it back.
    popularity_prior: float = setting(
        0.4,
        "track_vectors with scoring: output adds this many times log(count of the track) to its score; 0 = "
        "popularity plays no part.",
        ge=0,
        le=2,
    )
    cold_query_seed: int = setting(0, "Seed of the random tracks that cold_query: random asks with.", ge=0)


TUTORIAL_QUERY = VectorQuery(query=Query.last, scoring=Scoring.cosine, cold_query=ColdQuery.random)


@dataclass(frozen=True)
class TrackVectors:
    """Recommends the tracks whose vectors fit the query's best. A query with NaN answers nothing.

    Attributes:
        index: what a query is compared with; a prior is its last dimension, in which every query has a 1.
        table: (n, d) or, where artists stand in, (n + a, d) vectors of which queries are made.
        place: (t,) place of each track in ``table``; ``NO_TRACK`` where there is none.
    """

    asked: VectorQuery
    tracks: Tracks
    index: VectorIndex
    table: np.ndarray
    place: np.ndarray
    batch = 512

    @classmethod
    def fit(cls, tracks: Tracks, embeddings: TrackEmbeddings, asked: VectorQuery) -> "TrackVectors":
        """Lay out the vectors of ``embeddings`` for the question ``asked``."""
        rows = tracks.row_of[embeddings.track_index]
        order = np.argsort(rows)
        if asked.scoring is Scoring.cosine:
            inputs = vectors = embeddings.unit_input_vectors(order)
        else:
            prior = asked.popularity_prior * np.log(embeddings.count[order])
            inputs = embeddings.input_vectors[order]
            vectors = np.column_stack([embeddings.output_vectors[order], prior.astype(np.float32)])
        index = VectorIndex.build(vectors, rows[order].astype(np.int32), len(tracks))
        if asked.cold_query is not ColdQuery.artist:
            return cls(asked, tracks, index, inputs, index.place)
        return cls(asked, tracks, index, *_with_artists(inputs, index.place, tracks.artist))

    def arrays(self) -> dict[str, np.ndarray]:
        """See :class:`~rec_assets.core.strategies.answers.Strategy`."""
        return {**with_prefix(vars(self.index), "index"), "table": self.table, "place": self.place}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], tracks: Tracks, asked: VectorQuery) -> "TrackVectors":
        """The inverse of :meth:`arrays`."""
        return cls(asked, tracks, VectorIndex(**of_prefix(arrays, "index")), arrays["table"], arrays["place"])

    def score(self, histories: FlatSequences) -> VectorScores:
        """Scores of all tracks that have a vector; of the most frequent ones where a history gives no query."""
        asked, chosen = self.asked, histories
        if asked.cold_query in (ColdQuery.history, ColdQuery.artist):
            chosen = histories.where(self.place[histories.values] != NO_TRACK)
        length = 1 if asked.query is Query.last else asked.query_length
        weights = recency(chosen, len(self.tracks), decay=asked.query_decay, length=length)
        weights = weights.where(self.place[weights.columns] != NO_TRACK)
        queries = replace(weights, columns=self.place[weights.columns]).times_vectors(self.table)
        totals = weights.row_sums()
        has_query = totals > 0
        queries[has_query] /= totals[has_query, None]
        itself = np.full(len(histories), NO_TRACK, np.int64)
        if asked.query is Query.last and asked.scoring is Scoring.cosine:
            itself[has_query] = weights.columns[weights.starts[:-1][has_query]]
        if asked.cold_query is ColdQuery.random:
            drawn = self._draw(histories.ids[~has_query])
            queries[~has_query], itself[~has_query] = self.table[drawn], self.index.rows[drawn]
            has_query[:] = True
        if asked.scoring is Scoring.cosine:
            queries /= np.maximum(np.linalg.norm(queries, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        else:
            queries = np.column_stack([queries, np.ones(len(queries), np.float32)])
        return VectorScores(self.index, queries, itself, has_query, Popularity(self.tracks).score(histories))

    def cosines(self, row: int, others: np.ndarray) -> np.ndarray:
        """(o,) cosine of the input vector of the track ``row`` and those of ``others`` (o,); NaN where one has none."""
        places = self.index.place[others]
        found = np.full(len(others), np.nan)
        if self.index.place[row] != NO_TRACK:
            own, theirs = self.table[self.index.place[row]], self.table[places[places != NO_TRACK]]
            lengths = np.linalg.norm(own) * np.linalg.norm(theirs, axis=1)
            found[places != NO_TRACK] = theirs @ own / np.maximum(lengths, np.finfo(np.float32).tiny)
        return found

    def _draw(self, playlists: np.ndarray) -> np.ndarray:
        """A random vector for each playlist, whatever else is asked and in which order."""
        texts = (f"{self.asked.cold_query_seed} {playlist}" for playlist in playlists.tolist())
        draws = [hashlib.blake2b(text.encode(), digest_size=8) for text in texts]
        return np.array([int.from_bytes(draw.digest()) % len(self.index) for draw in draws], np.int64)


def _with_artists(inputs: np.ndarray, place: np.ndarray, artist: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``inputs`` and below them the mean of each artist's, at which the ``place`` of its tracks without a vector is."""
    helped = (place != NO_TRACK) & (artist != UNKNOWN_ARTIST)
    order = np.flatnonzero(helped)[np.argsort(artist[helped], kind="stable")]
    starts = np.searchsorted(artist[order], np.arange(int(artist.max(initial=-1)) + 2))
    counts = np.diff(starts)
    sums = SparseRows(starts, place[order], np.ones(len(order), np.float32), len(inputs)).times_vectors(inputs)
    means = sums / np.maximum(counts, 1)[:, None].astype(np.float32)
    stands_in = (place == NO_TRACK) & (artist != UNKNOWN_ARTIST)
    stands_in[stands_in] = counts[artist[stands_in]] > 0
    return np.vstack([inputs, means]), np.where(stands_in, len(inputs) + artist, place)


def example_neighbours(
    embeddings: TrackEmbeddings, track_catalog: "Relation | None", *, depth: int
) -> tuple[str, list[tuple[str, float]]]:
    """The most frequent track, and names and cosines of its ``depth`` nearest by input vectors, best first.

    Fewer come from a vocabulary that is smaller. Without a ``track_catalog`` the tracks are numbers.
    """
    from rec_assets.core.playlists.catalog import names_of  # duckdb: not for an answer

    unit = embeddings.unit_input_vectors()
    index = VectorIndex.build(unit, np.arange(len(unit), dtype=np.int32), len(unit))
    query = np.zeros(1, np.int64)
    # A track is its own nearest, and no answer.
    found, cosines = index.search(unit[query], min(depth, len(unit) - 1), left_out=(query, query))
    tracks = embeddings.track_index[[0, *found[0]]].tolist()
    names = [f"track {track}" for track in tracks] if track_catalog is None else names_of(track_catalog, tracks)
    return names[0], list(zip(names[1:], map(float, cosines[0]), strict=True))
