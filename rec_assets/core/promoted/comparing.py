"""Asks a promoted model what a candidate was asked."""

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.promoted.gate import Comparison
from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.strategies import NO_TRACK


def compare(
    model: PromotedModel,
    own_index: np.ndarray,
    held_out: FlatSequences,
    hashes: np.ndarray,
    candidate_ranks: np.ndarray,
    *,
    k: int,
    most: int,
    known_share: float,
) -> Comparison:
    """Ranks of both models on those held-out playlists that neither was trained on.

    Args:
        model: the promoted model.
        own_index: (t,) its track index by that of the candidate's catalog, ``NO_TRACK`` where it has none.
        held_out: (m,) the candidate's held-out playlists, by its catalog.
        hashes: (m,) uint64 hashes of their ids.
        candidate_ranks: (m,) the candidate's ranks of their last tracks, 0 = not found.
        k: tracks recommended.
        most: at most so many playlists are asked.
        known_share: see :class:`Comparison`.
    """
    unseen = np.flatnonzero(~np.isin(hashes, model.recommender.trained_on))
    chosen = unseen[:most]
    asked = held_out.at(chosen)
    targets = own_index[asked.from_the_end(0)] if len(asked) else np.empty(0, np.int32)
    target_rows = np.where(targets == NO_TRACK, NO_TRACK, model.recommender.tracks.row_of[targets])
    ranks = np.zeros(len(asked), np.int32)
    for part, answers in model.answers(model.known_rows(asked.histories(), own_index), depth=k):
        ranks[part] = answers.rank_of(target_rows[part])
    return Comparison(
        candidate=candidate_ranks[chosen],
        promoted=ranks,
        k=k,
        left_out=len(hashes) - len(unseen),
        known_share=known_share,
    )
