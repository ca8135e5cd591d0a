"""The ranker as a strategy."""

import numpy as np
from scipy.sparse import csr_matrix

from rec_assets.core.errors import StoreError
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.ranker.features import FEATURES, candidate_features
from rec_assets.core.ranker.learned import BATCH, Ranker
from rec_assets.core.ranker.sources import Sources
from rec_assets.core.ranker.trees import Trees
from rec_assets.core.strategies.sparse_scores import SparseScores


class RankedCandidates:
    """Candidates of all sources in the order of a :class:`Ranker`.

    Args:
        sources: fitted on all training playlists; the ranker learned from those of a part of them.
        ranker: the trained trees.

    Raises:
        StoreError: the ranker was trained on other features than this version makes.
    """

    batch = BATCH

    def __init__(self, sources: Sources, ranker: Ranker) -> None:
        if ranker.features != FEATURES:
            raise StoreError(
                f"the stored ranker takes the features {', '.join(ranker.features)}; this version makes "
                f"{', '.join(FEATURES)}. Materialize track_ranker again."
            )
        self._sources = sources
        self._trees = Trees(ranker.model)

    def score(self, histories: FlatSequences) -> SparseScores:
        """Scores of the candidates; all other tracks are no answer."""
        candidates = self._sources.propose(histories)
        features = candidate_features(self._sources, histories, candidates)
        scores = self._trees.predict(features)
        ends = np.cumsum(np.bincount(candidates.history, minlength=len(histories)))
        shape = (len(histories), len(self._sources.tracks))
        matrix = csr_matrix((scores, candidates.rows, np.concatenate([[0], ends])), shape=shape)
        return SparseScores(matrix, above=-np.inf)
