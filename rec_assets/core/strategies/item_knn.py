"""Two strategies over tracks that stand near each other: item neighbourhoods, and what follows what."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.strategies.cooccurrence import Cooccurrence, Nearness
from rec_assets.core.strategies.sparse import SparseScores, product, recency_weights
from rec_assets.core.strategies.tracks import Tracks

_RULES_WINDOW, _RULES = 10, 200  # as of Ludewig & Jannach


class ItemKnnSettings(Settings):
    """How near tracks are counted; the defaults are the best of those tried on two real sets."""

    item_knn_window: int = setting(10, "item_knn: tracks at most so many steps apart are near.", ge=1, le=1_000)
    item_knn_damping: float = setting(
        0.25, "item_knn: similarity is divided by the product of both counts to this power; 0.5 = cosine.", ge=0, le=2
    )
    item_knn_neighbours: int = setting(200, "item_knn: most similar tracks kept of each track.", ge=1, le=10_000)
    item_knn_decay: float = setting(
        0.9, "item_knn: weight of a track of the history, per step back from its end.", gt=0, le=1
    )
    item_knn_length: int = setting(20, "item_knn: tracks of the history that count.", ge=1, le=10_000)


@dataclass(frozen=True)
class _NearTracks:
    """Sums what is near the tracks of a history, weighted by recency.

    Attributes:
        near: what stands near each track.
        decay: weight of a track of the history, per step back.
        length: tracks of the history that count.
    """

    near: Cooccurrence
    decay: float
    length: int
    batch = 1_024

    def arrays(self) -> dict[str, np.ndarray]:
        """See :class:`~rec_assets.core.strategies.answers.Strategy`."""
        return self.near.arrays()

    def score(self, histories: FlatSequences) -> SparseScores:
        """Scores of the tracks near those of the history; the rest is 0."""
        weights = recency_weights(histories, len(self.near), decay=self.decay, length=self.length)
        asked, place = np.unique(weights.indices, return_inverse=True)
        weights = csr_matrix((weights.data, place, weights.indptr), shape=(len(histories), len(asked)))
        return SparseScores(product(weights, self.near.rows(asked)))


class ItemKnn(_NearTracks):
    """Item neighbourhoods (Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms").

    The similarity of two tracks is how often they stand within ``window`` steps of each other, over
    ``(count * count) ** damping``: with 0.5 the cosine. Only the ``neighbours`` most similar of each track count.
    """

    @classmethod
    def fit(cls, tracks: Tracks, training: FlatSequences, settings: ItemKnnSettings) -> "ItemKnn":
        """Count what stands near what in the ``training`` playlists of rows."""
        return cls(
            Cooccurrence.count(tracks, training, cls._nearness(settings)),
            settings.item_knn_decay,
            settings.item_knn_length,
        )

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], settings: ItemKnnSettings) -> "ItemKnn":
        """The inverse of :meth:`arrays`."""
        near = Cooccurrence.from_arrays(arrays, cls._nearness(settings))
        return cls(near, settings.item_knn_decay, settings.item_knn_length)

    @staticmethod
    def _nearness(settings: ItemKnnSettings) -> Nearness:
        window = settings.item_knn_window
        steps = np.setdiff1d(np.arange(-window, window + 1), [0])
        return Nearness(steps, np.ones(len(steps)), settings.item_knn_damping, settings.item_knn_neighbours)


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
        steps = np.arange(1, _RULES_WINDOW + 1)
        return Nearness(steps, 1 / steps, 0.0, _RULES)
