"""The ranker as a strategy."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from rec_assets.core.base.errors import StoreError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.tensor_file import tensor_text, text_tensor
from rec_assets.core.ranker.features import FEATURES, candidate_features
from rec_assets.core.ranker.learned import BATCH, Ranker
from rec_assets.core.ranker.sources import Sources
from rec_assets.core.ranker.trees import Trees
from rec_assets.core.strategies.sparse_scores import SparseScores


@dataclass(frozen=True)
class RankedCandidates:
    """Candidates of all sources in the order of a :class:`Ranker`.

    Attributes:
        sources: fitted on all training playlists; the ranker learned from those of a part of them.
        trees: of the ranker.
    """

    sources: Sources
    trees: Trees
    batch = BATCH

    @classmethod
    def join(cls, sources: Sources, ranker: Ranker) -> "RankedCandidates":
        """The ``ranker`` over other ``sources`` than those it learned from.

        Raises:
            StoreError: the ranker was trained on other features than this version makes.
        """
        if ranker.features != FEATURES:
            raise StoreError(
                f"the stored ranker takes the features {', '.join(ranker.features)}; this version makes "
                f"{', '.join(FEATURES)}. Materialize track_ranker again."
            )
        return cls(sources, Trees(ranker.model))

    def arrays(self) -> dict[str, np.ndarray]:
        """The trees alone: the sources are strategies of their own."""
        return {"trees": text_tensor(self.trees.model)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, np.ndarray], sources: Sources) -> "RankedCandidates":
        """The inverse of :meth:`arrays`."""
        return cls(sources, Trees(tensor_text(arrays["trees"])))

    def score(self, histories: FlatSequences) -> SparseScores:
        """Scores of the candidates; all other tracks are no answer."""
        candidates = self.sources.propose(histories)
        scores = self.trees.predict(candidate_features(self.sources, histories, candidates))
        ends = np.cumsum(np.bincount(candidates.history, minlength=len(histories)))
        shape = (len(histories), len(self.sources.tracks))
        matrix = csr_matrix((scores, candidates.rows, np.concatenate([[0], ends])), shape=shape)
        return SparseScores(matrix, above=-np.inf)
