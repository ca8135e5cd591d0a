"""The strategies that propose candidates, and the table of what they propose."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.strategies.answers import NO_TRACK, Answers, Strategy
from rec_assets.core.strategies.artist_affinity import ArtistAffinity
from rec_assets.core.strategies.item_knn import ItemKnn, ItemKnnSettings, SequentialRules
from rec_assets.core.strategies.playlist_knn import PlaylistKnn, PlaylistKnnSettings
from rec_assets.core.strategies.popularity import Popularity
from rec_assets.core.strategies.track_vectors import TrackVectors, VectorQuery
from rec_assets.core.strategies.tracks import Tracks
from rec_assets.core.vectors.embeddings import TrackEmbeddings

# How many candidates each strategy proposes. The tracks of the history are candidates, too: repeats are learned.
PROPOSED = {
    "playlist_knn": 200,
    "item_knn": 100,
    "sequential_rules": 100,
    "track_vectors": 200,
    "artist_affinity": 100,
    "popularity": 50,
}


@dataclass(frozen=True)
class Candidates:
    """``c`` pairs of a history and a track that may follow it, by history and then by row.

    Attributes:
        history: (c,) which of the histories.
        rows: (c,) the track.
        scores: (c, s) float32 score by each source, less than or equal to ``best``; NaN or 0 where it has none.
        places: (c, s) float32 place among what the source proposes, 1 = best; one beyond them where it does not.
        best: (m, s) float32 the source's best score for each history.
    """

    history: np.ndarray
    rows: np.ndarray
    scores: np.ndarray
    places: np.ndarray
    best: np.ndarray


class NeighbourhoodSettings(PlaylistKnnSettings, ItemKnnSettings):
    """Settings of the strategies that propose candidates; a ranker learns for those of its own sources only."""


def fit_source(
    name: str,
    tracks: Tracks,
    training: FlatSequences,
    embeddings: TrackEmbeddings,
    settings: NeighbourhoodSettings,
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
        "popularity": lambda: Popularity(tracks),
    }
    return fits[name]()


@dataclass(frozen=True)
class Sources:
    """All strategies of ``PROPOSED`` over the same training playlists, by name and in that order."""

    tracks: Tracks
    strategies: Mapping[str, Strategy]

    @classmethod
    def fit(
        cls, tracks: Tracks, training: FlatSequences, embeddings: TrackEmbeddings, settings: NeighbourhoodSettings
    ) -> "Sources":
        """See :func:`fit_source`; ``tracks`` are the counts of ``training``."""
        return cls(tracks, {name: fit_source(name, tracks, training, embeddings, settings) for name in PROPOSED})

    def propose(self, histories: FlatSequences) -> Candidates:
        """The candidates of ``histories``, tracks of the histories themselves among them."""
        scores = {name: strategy.score(histories) for name, strategy in self.strategies.items()}
        answers = [scores[name].top(PROPOSED[name]) for name in self.strategies]
        width = len(self.tracks)
        own = histories.owners() * width + histories.values
        keys = np.unique(np.concatenate([own, *(_keys(answer, width)[1] for answer in answers)]))
        history, rows = keys // width, keys % width
        return Candidates(
            history=history,
            rows=rows,
            scores=np.column_stack([scores[name].at(history, rows) for name in self.strategies]),
            places=np.column_stack([_places(answer, keys, width) for answer in answers]),
            best=np.column_stack([answer.scores[:, 0] for answer in answers]),
        )


def _keys(answers: Answers, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Places (1 = best) and one number for each history and track that is answered."""
    history, place = np.nonzero(answers.rows != NO_TRACK)
    return place + 1, history * width + answers.rows[history, place]


def _places(answers: Answers, keys: np.ndarray, width: int) -> np.ndarray:
    places = np.full(len(keys), answers.rows.shape[1] + 1, np.float32)
    place, answered = _keys(answers, width)
    places[np.searchsorted(keys, answered)] = place
    return places
