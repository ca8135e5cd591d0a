"""The final ranker: candidates of every strategy, put in order by what held-aside training playlists teach."""

from rec_assets.core.ranker.document import from_document, to_document
from rec_assets.core.ranker.held_aside import learn_from_held_aside
from rec_assets.core.ranker.learned import Ranker, RankerSettings, train_ranker
from rec_assets.core.ranker.ranked import RankedCandidates
from rec_assets.core.ranker.sources import PROPOSED, NeighbourhoodSettings, Sources, fit_source

__all__ = [
    "PROPOSED",
    "NeighbourhoodSettings",
    "RankedCandidates",
    "Ranker",
    "RankerSettings",
    "Sources",
    "fit_source",
    "from_document",
    "learn_from_held_aside",
    "to_document",
    "train_ranker",
]
