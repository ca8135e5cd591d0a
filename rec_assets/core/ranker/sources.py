"""The strategies that propose candidates, and what the ranker knows of each of these."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.read_only import read_only
from rec_assets.core.ranker.closeness import (
    BESIDE_TRACKS,
    IN_NEAREST,
    IN_PLAYLISTS,
    PlaylistFacts,
    look_into_nearest,
    write_closeness,
)
from rec_assets.core.strategies.answers import NO_TRACK, Answers, Scores, Strategy
from rec_assets.core.strategies.artist_affinity import ArtistAffinity
from rec_assets.core.strategies.item_knn import ItemKnn, ItemKnnSettings, SequentialRules
from rec_assets.core.strategies.playlist_knn import PlaylistKnn, PlaylistKnnSettings
from rec_assets.core.strategies.popularity import Popularity
from rec_assets.core.strategies.title_words import TitleWords
from rec_assets.core.strategies.track_vectors import TrackVectors, VectorQuery
from rec_assets.core.strategies.tracks import Tracks
from rec_assets.core.strategies.vector_lists import FEWEST, VectorLists
from rec_assets.core.strategies.vector_scores import VectorScores
from rec_assets.core.vectors.embeddings import TrackEmbeddings

# How many candidates each strategy proposes. The tracks of the history are candidates, too: repeats are learned.
PROPOSED = {
    "playlist_knn": 200,
    "item_knn": 100,
    "sequential_rules": 100,
    "track_vectors": 200,
    "artist_affinity": 100,
    "title_words": 100,
    "popularity": 50,
}
_SCORED = [name for name in PROPOSED if name != "popularity"]
_VECTORS = _SCORED.index("track_vectors")
_OF_CANDIDATE = ("log_count", "artist_share", "is_last_artist", "artist_is_known", "times_in_history", "steps_since")
_OF_HISTORY = ("history_length", "distinct_share", "artists_per_track", "same_artist_share", "last_log_count")
_CLOSENESS = (*BESIDE_TRACKS, *IN_NEAREST, *IN_PLAYLISTS)
# In the order in which they are written.
FEATURES = (
    *(f"{name}_{what}" for what in ("score", "place") for name in _SCORED),
    *(*_OF_CANDIDATE, *_OF_HISTORY, *_CLOSENESS),
)
_CLOSENESS_AT, _NEAREST_AT = FEATURES.index(_CLOSENESS[0]), FEATURES.index(IN_NEAREST[0])


@dataclass(frozen=True)
class Candidates:
    """``c`` pairs of a history and a track that may follow it, by history and then by row.

    Attributes:
        history: (c,) which of the histories.
        rows: (c,) the track.
        places: (c, s) float32 place among what the source proposes, 1 = best; one beyond them where it does not.
        best: (m, s) float32 the source's best score for each history.
        said: what each source says of all tracks, by name.
    """

    history: np.ndarray
    rows: np.ndarray
    places: np.ndarray
    best: np.ndarray
    said: Mapping[str, Scores]

    def where(self, kept: np.ndarray) -> "Candidates":
        """Those that are ``kept`` (c,)."""
        return replace(self, history=self.history[kept], rows=self.rows[kept], places=self.places[kept])

    def scores(self) -> np.ndarray:
        """(c, s) float32 score by each source, at most ``best``; NaN or 0 where it has none."""
        return np.column_stack([scores.at(self.history, self.rows) for scores in self.said.values()])


class NeighbourhoodSettings(PlaylistKnnSettings, ItemKnnSettings):
    """Settings of the strategies that propose candidates; a ranker learns for those of its own sources only."""


def fit_source(
    name: str, tracks: Tracks, training: FlatSequences, embeddings: TrackEmbeddings, settings: NeighbourhoodSettings
) -> Strategy:
    """The strategy ``name`` of ``PROPOSED``, over ``training`` playlists of rows and the embeddings trained on them.

    Raises:
        KeyError: there is none of that name.
    """
    fits: dict[str, Callable[[], Strategy]] = {
        "playlist_knn": lambda: PlaylistKnn.fit(tracks, training, settings),
        "item_knn": lambda: ItemKnn.fit(tracks, training, settings),
        "sequential_rules": lambda: SequentialRules.fit(tracks, training),
        "track_vectors": lambda: TrackVectors.fit(tracks, embeddings, VectorQuery()),
        "artist_affinity": lambda: ArtistAffinity.fit(tracks),
        "title_words": lambda: TitleWords.fit(tracks, training),
        "popularity": lambda: Popularity(tracks),
    }
    return fits[name]()


@dataclass(frozen=True)
class Sources:
    """All strategies of ``PROPOSED`` over the same training playlists, by name and in that order.

    Attributes:
        facts: of the training playlists.
        lists: of the vectors of ``track_vectors``; None where there are so few that they are searched exactly.
    """

    tracks: Tracks
    strategies: Mapping[str, Strategy]
    facts: PlaylistFacts
    lists: VectorLists | None = None

    @classmethod
    def fit(
        cls, tracks: Tracks, training: FlatSequences, embeddings: TrackEmbeddings, settings: NeighbourhoodSettings
    ) -> "Sources":
        """See :func:`fit_source`; ``tracks`` are the counts of ``training``."""
        return cls.join(tracks, {name: fit_source(name, tracks, training, embeddings, settings) for name in PROPOSED})

    @classmethod
    def join(cls, tracks: Tracks, fitted: Mapping[str, Strategy]) -> "Sources":
        """The strategies of ``PROPOSED`` among those that are ``fitted``."""
        vectors, playlists = fitted["track_vectors"], fitted["playlist_knn"]
        assert isinstance(vectors, TrackVectors)  # noqa: S101 - for the type checker; fit_source makes it so
        assert isinstance(playlists, PlaylistKnn)  # noqa: S101
        lists = VectorLists.build(vectors.index.vectors) if len(vectors.index) >= FEWEST else None
        return cls(tracks, {name: fitted[name] for name in PROPOSED}, PlaylistFacts.count(playlists), lists)

    def propose(self, histories: FlatSequences) -> Candidates:
        """The candidates of ``histories``, tracks of the histories themselves among them."""
        from rec_assets.core.ranker import loops

        scores = [strategy.score(histories) for strategy in self.strategies.values()]
        depths = [PROPOSED[name] for name in self.strategies]
        answers = [self._best(score, depth) for score, depth in zip(scores, depths, strict=True)]
        history, rows, places = loops.gather(
            (read_only(histories.values), read_only(histories.offsets)),
            np.hstack([answer.rows for answer in answers]),
            np.repeat(np.arange(len(depths)), depths),
            np.array(depths, np.float32) + 1,
            len(self.tracks.count),
        )
        best = np.column_stack([answer.scores[:, 0] for answer in answers])
        # Again by `at`, which rounds otherwise than the search: the best candidate has exactly the best score.
        first = answers[_VECTORS].rows[:, 0]
        again = scores[_VECTORS].at(np.arange(len(histories)), np.maximum(first, 0))
        best[:, _VECTORS] = np.where((first == NO_TRACK) | np.isnan(again), best[:, _VECTORS], again)
        return Candidates(
            history=history,
            rows=rows,
            places=places,
            best=best,
            said=dict(zip(self.strategies, scores, strict=True)),
        )

    def _best(self, scores: Scores, depth: int) -> Answers:
        if self.lists is not None and isinstance(scores, VectorScores):
            return scores.nearly_top(self.lists, depth)
        return scores.top(depth)


def candidate_features(
    sources: Sources, histories: FlatSequences, candidates: Candidates, kept: np.ndarray | None = None
) -> np.ndarray:
    """(c, len(FEATURES)) float32 of all ``candidates``, or of those that are ``kept`` (bool).

    NaN where there is nothing to say, which trees can split by.

    A score is compared with the source's best for the same history: as a share of it, or, for products of
    vectors, which may be negative, as the distance to it. Places are logarithms.
    """
    from rec_assets.core.ranker import loops

    pairs = candidates.history, candidates.rows
    nearest = look_into_nearest(sources.strategies["playlist_knn"], candidates.said["playlist_knn"], pairs)
    if kept is not None:
        candidates, nearest = candidates.where(kept), nearest[kept]
    features = np.empty((len(candidates.rows), len(FEATURES)), np.float32)
    compared = features[:, : 2 * len(_SCORED)]
    loops.compare(candidates.scores(), candidates.places, candidates.best, candidates.history, _VECTORS, compared)
    artist = sources.tracks.artist
    affinity = sources.strategies["artist_affinity"]
    assert isinstance(affinity, ArtistAffinity)  # noqa: S101 - for the type checker; Sources makes it so
    shares = affinity.affinity(histories).at(candidates.history, np.maximum(artist[candidates.rows], 0))
    loops.describe(
        (read_only(histories.values), read_only(histories.offsets)),
        (candidates.history, candidates.rows, shares),
        (read_only(sources.tracks.count), read_only(artist), UNKNOWN_ARTIST),
        features[:, compared.shape[1] : _CLOSENESS_AT],
    )
    write_closeness(
        sources.strategies,
        candidates.said,
        sources.facts,
        histories,
        (candidates.history, candidates.rows),
        features[:, _CLOSENESS_AT:],
    )
    features[:, _NEAREST_AT : _NEAREST_AT + len(IN_NEAREST)] = nearest
    return features
