"""Two strategies over tracks that are near each other in the training playlists: neighbourhoods, and what follows."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.strategies.cooccurrence import Cooccurrence, Nearness
from rec_assets.core.strategies.sparse import SparseRows, SparseScores, recency
from rec_assets.core.strategies.tracks import Tracks

_RULES_WINDOW, _RULES = 10, 200  # as of Ludewig & Jannach


class ItemKnnSettings(Settings):
    """How near tracks are counted; the defaults are the best of those tried on two real sets."""

    item_knn_window: int = setting(
        10,
        "item_knn: two tracks of a playlist count as neighbours if they are at most this many places apart.",
        ge=1,
        le=1_000,
    )
    item_knn_damping: float = setting(
        0.25,
        "item_knn: the similarity of two tracks is divided by the product of their counts to this power. 0 favours "
        "frequent tracks, 0.5 is the cosine.",
        ge=0,
        le=2,
    )
    item_knn_neighbours: int = setting(
        200,
        "item_knn: number of most similar tracks that are kept for each track. More find rarer tracks and take more "
        "memory.",
        ge=1,
        le=10_000,
    )
    item_knn_decay: float = setting(
        0.9,
        "item_knn: each step back from the end of the playlist multiplies a track's weight by this; 1 = all tracks "
        "weigh the same.",
        gt=0,
        le=1,
    )
    item_knn_length: int = setting(
        20, "item_knn: number of tracks from the end of the playlist that are taken into account.", ge=1, le=10_000
    )


@dataclass(frozen=True)
class _NearTracks:
    """Sums what is near the last ``length`` tracks of a history, each weighted by ``decay`` per step back."""

    near: Cooccurrence
    decay: float
    length: int
    batch = 1_024

    def arrays(self) -> dict[str, np.ndarray]:
        """See :class:`~rec_assets.core.strategies.answers.Strategy`."""
        return self.near.arrays()

    def score(self, histories: FlatSequences) -> "NearScores":
        """Scores of the tracks near those of the history; the rest is 0."""
        weights = recency(histories, len(self.near.scale), decay=self.decay, length=self.length)
        asked, place = np.unique(weights.columns, return_inverse=True)
        by_place = SparseRows(weights.starts, place.astype(np.int32), weights.values, len(asked))
        near = self.near.rows(asked)
        return NearScores(by_place.times(near), asked=by_place, near=near)


@dataclass(frozen=True, kw_only=True)
class NearScores(SparseScores):
    """Scores, and what they were made of.

    Attributes:
        asked: (m, a) weights of the last tracks of each history, in order, by their row in ``near``.
        near: (a, t) what is near each track that some history asks for.
    """

    asked: SparseRows
    near: SparseRows


class ItemKnn(_NearTracks):
    """Item neighbourhoods (Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms").

    The similarity of two tracks is how often they stand within ``window`` steps of each other, over
    ``(count * count) ** damping``: with 0.5 the cosine. Only the ``neighbours`` most similar of each track count.
    """

    @classmethod
    def fit(cls, tracks: Tracks, training: FlatSequences, settings: ItemKnnSettings) -> "ItemKnn":
        """Count what is near what in the ``training`` playlists of rows."""
        near = Cooccurrence.count(tracks, training, cls._nearness(settings))
        return cls(near, settings.item_knn_decay, settings.item_knn_length)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], settings: ItemKnnSettings) -> "ItemKnn":
        """The inverse of :meth:`arrays`."""
        near = Cooccurrence.from_arrays(arrays, cls._nearness(settings))
        return cls(near, settings.item_knn_decay, settings.item_knn_length)

    @staticmethod
    def _nearness(settings: ItemKnnSettings) -> Nearness:
        window = settings.item_knn_window
        weights = np.ones(2 * window + 1, np.float32)
        weights[window] = 0
        return Nearness(weights, window, settings.item_knn_damping, settings.item_knn_neighbours)


class SequentialRules(_NearTracks):
    """What followed the last track, ``s`` steps on counting 1 / s (SR of Ludewig & Jannach 2018, section 3.1)."""

    @classmethod
    def fit(cls, tracks: Tracks, training: FlatSequences) -> "SequentialRules":
        """Count what follows what in the ``training`` playlists of rows."""
        return cls(Cooccurrence.count(tracks, training, cls._nearness()), decay=1, length=1)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray]) -> "SequentialRules":
        """The inverse of :meth:`arrays`."""
        return cls(Cooccurrence.from_arrays(arrays, cls._nearness()), decay=1, length=1)

    @staticmethod
    def _nearness() -> Nearness:
        weights = np.zeros(_RULES_WINDOW + 1, np.float32)
        weights[1:] = 1 / np.arange(1, _RULES_WINDOW + 1)
        return Nearness(weights, 0, 0.0, _RULES)
