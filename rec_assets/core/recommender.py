"""Every strategy by name, over the same training playlists."""

from enum import Enum
from functools import cached_property

import numpy as np

from rec_assets.core.artists import UNKNOWN_ARTIST
from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.errors import SettingsError
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.ranker import RankedCandidates, Ranker, Sources
from rec_assets.core.strategies import Strategy, TrackVectors, VectorQuery
from rec_assets.core.tracks import Tracks


class StrategyName(Enum):
    """The ways to recommend."""

    popularity = "popularity"
    artist_affinity = "artist_affinity"
    sequential_rules = "sequential_rules"
    item_knn = "item_knn"
    playlist_knn = "playlist_knn"
    track_vectors = "track_vectors"
    ranker = "ranker"


class Recommender:
    """Strategies, fitted when they are asked for.

    Args:
        training: training playlists by track index.
        artists: (t,) number of each track's artist, by track index.
        embeddings: trained on ``training``.
        ranker: learned from playlists of ``training`` that were kept aside for it; None = nobody asks for it.
    """

    def __init__(
        self, training: FlatSequences, artists: np.ndarray, embeddings: TrackEmbeddings, ranker: Ranker | None
    ) -> None:
        self.tracks = Tracks.count_in(training, artists)
        # Ids name users, and no strategy needs them.
        self._training = self.tracks.rows(training.without_ids())
        self._embeddings, self._ranker = embeddings, ranker

    @cached_property
    def sources(self) -> Sources:
        """The strategies that the ranker joins."""
        return Sources(self.tracks, self._training, self._embeddings)

    @property
    def has_vector(self) -> np.ndarray:
        """(t,) bool by row."""
        found = np.zeros(len(self.tracks), bool)
        found[self.tracks.row_of[self._embeddings.track_index]] = True
        return found

    @property
    def knows_artists(self) -> bool:
        """Whether any track has an artist; without, artist affinity is popularity and the ranker does without."""
        return bool((self.tracks.artist != UNKNOWN_ARTIST).any())

    def source(self, name: StrategyName) -> Strategy:
        """The strategy ``name``, any but the ranker, as the ranker has it: shared with it where it is fitted."""
        if "sources" in self.__dict__:
            return self.sources.strategies[name.value]
        return Sources.fit(name.value, self.tracks, self._training, self._embeddings)

    def strategy(self, name: StrategyName, query: VectorQuery, *, depth: int) -> Strategy:
        """The strategy ``name``; ``query`` says how ``track_vectors`` asks.

        Raises:
            SettingsError: ``depth`` is more than can be recommended.
            LookupError: the ranker is asked for, and there is none.
        """
        if depth >= len(self._embeddings):
            raise SettingsError(
                f"k={depth} is above what can be recommended: the vocabulary has {len(self._embeddings)} tracks, "
                f"the query among them. Set k to {len(self._embeddings) - 1} or less, or lower min_count of "
                "track_embeddings."
            )
        if name is StrategyName.ranker:
            if self._ranker is None:
                raise LookupError("these strategies were put together without a ranker")
            return RankedCandidates(self.sources, self._ranker)
        if name is StrategyName.track_vectors:
            return TrackVectors(self.tracks, self._embeddings, query)
        return self.source(name)
