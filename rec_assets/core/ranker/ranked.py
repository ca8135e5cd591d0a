"""The ranker as a strategy: trees over candidates."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from rec_assets.core.base.errors import StoreError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.tensor_file import of_prefix, with_prefix
from rec_assets.core.ranker.forest import Forest
from rec_assets.core.ranker.learned import BATCH, Ranker
from rec_assets.core.ranker.sources import FEATURES, PROPOSED, Candidates, Sources, candidate_features
from rec_assets.core.strategies.answers import Strategy
from rec_assets.core.strategies.sparse import SparseRows, SparseScores
from rec_assets.core.strategies.tracks import Tracks
from rec_assets.core.strategies.vector_lists import VectorLists


@dataclass(frozen=True)
class RankedCandidates:
    """Candidates of all ``sources``, fitted on all training playlists, in the order of a ranker's ``trees``."""

    sources: Sources
    trees: Forest
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
        return cls(sources, Forest.parse(ranker.model))

    def arrays(self) -> dict[str, np.ndarray]:
        """The trees, and the lists of vectors: the sources are strategies of their own."""
        lists = {} if self.sources.lists is None else self.sources.lists.arrays()
        return with_prefix(self.trees.arrays(), "trees") | with_prefix(lists, "lists")

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], tracks: Tracks, strategies: Mapping[str, Strategy]
    ) -> "RankedCandidates":
        """The inverse of :meth:`arrays`; its sources are among the ``strategies``."""
        own = of_prefix(arrays, "lists")
        sources = Sources(
            tracks, {name: strategies[name] for name in PROPOSED}, VectorLists.from_arrays(own) if own else None
        )
        return cls(sources, Forest.from_arrays(of_prefix(arrays, "trees")))

    def score(self, histories: FlatSequences) -> "RankedScores":
        """Scores of the candidates; all other tracks are no answer."""
        candidates = self.sources.propose(histories)
        scores = self.trees.predict(candidate_features(self.sources, histories, candidates))
        starts = np.searchsorted(candidates.history, np.arange(len(histories) + 1))
        rows = SparseRows(starts, candidates.rows, scores, len(self.sources.tracks))
        return RankedScores(rows, above=-np.inf, candidates=candidates)


@dataclass(frozen=True, kw_only=True)
class RankedScores(SparseScores):
    """Scores of ``candidates``, which know the sources that proposed them."""

    candidates: Candidates

    def proposed(self, targets: np.ndarray) -> np.ndarray:
        """(m, s + 1) bool: whether each source proposes the target (m,) of its history; last, whether any does.

        A track of the history is a candidate, too, so the last is more than the sources together.
        """
        found = np.zeros((len(targets), len(PROPOSED) + 1), bool)
        is_target = self.candidates.rows == targets[self.candidates.history]
        own = self.candidates.history[is_target]
        found[own, :-1] = self.candidates.places[is_target] <= np.array(list(PROPOSED.values()))
        found[own, -1] = True
        return found
