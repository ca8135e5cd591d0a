"""Two strategies over tracks that stand near each other: item neighbourhoods, and what follows what."""

import numpy as np
from scipy.sparse import csr_matrix

from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.strategies.cooccurrence import Cooccurrence
from rec_assets.core.strategies.sparse import product, recency_weights
from rec_assets.core.strategies.sparse_scores import SparseScores
from rec_assets.core.tracks import Tracks


class _NearTracks:
    """Sums what is near the tracks of a history, weighted by recency."""

    batch = 1_024

    def __init__(self, near: Cooccurrence, tracks: Tracks, *, decay: float, length: int) -> None:
        self._near, self._tracks, self._decay, self._length = near, len(tracks), decay, length

    def score(self, histories: FlatSequences) -> SparseScores:
        """Scores of the tracks near those of the history; the rest is 0."""
        weights = recency_weights(histories, self._tracks, decay=self._decay, length=self._length)
        asked, place = np.unique(weights.indices, return_inverse=True)
        weights = csr_matrix((weights.data, place, weights.indptr), shape=(len(histories), len(asked)))
        return SparseScores(product(weights, self._near.rows(asked)))


class ItemKnn(_NearTracks):
    """Item neighbourhoods (Sarwar et al. 2001, "Item-based collaborative filtering recommendation algorithms").

    The similarity of two tracks is how often they stand within ``window`` steps of each other, over
    ``(count * count) ** damping``: with 0.5 the cosine. Only the ``neighbours`` most similar of each track count.
    """

    def __init__(
        self,
        tracks: Tracks,
        training: FlatSequences,
        *,
        window: int = 10,
        damping: float = 0.25,
        neighbours: int = 200,
        decay: float = 0.9,
        length: int = 20,
    ) -> None:
        steps = np.setdiff1d(np.arange(-window, window + 1), [0])
        weights = np.ones(len(steps))
        near = Cooccurrence(tracks, training, steps=steps, step_weights=weights, damping=damping, kept=neighbours)
        super().__init__(near, tracks, decay=decay, length=length)


class SequentialRules(_NearTracks):
    """What followed the last track, ``s`` steps on counting 1 / s (SR of Ludewig & Jannach 2018, section 3.1)."""

    def __init__(self, tracks: Tracks, training: FlatSequences, *, window: int = 10, rules: int = 200) -> None:
        steps = np.arange(1, window + 1)
        near = Cooccurrence(tracks, training, steps=steps, step_weights=1 / steps, damping=0, kept=rules)
        super().__init__(near, tracks, decay=1, length=1)
