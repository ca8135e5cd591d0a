"""Makes a promoted model of a candidate."""

from typing import Any

import numpy as np

from rec_assets.core.comparison import Contender
from rec_assets.core.names import TrackNames
from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.recommender import Recommender, StrategyName
from rec_assets.core.strategies import PlaylistKnn, TrackVectors


def build_promoted(
    recommender: Recommender,
    chosen: Contender,
    names: TrackNames,
    *,
    depth: int,
    trained_on: np.ndarray,
    facts: dict[str, Any],
) -> PromotedModel:
    """The strategy ``chosen`` with all that it takes to recommend by it.

    Args:
        recommender: over the training playlists.
        chosen: how it is asked.
        names: of the tracks.
        depth: tracks that are recommended at most, as :meth:`Recommender.strategy` checks it.
        trained_on: see :class:`PromotedModel`, as is ``facts``.
        facts: what is known of the candidate.

    Raises:
        SettingsError: ``depth`` is more than can be recommended.
    """
    strategy = recommender.strategy(chosen.strategy, chosen.query, depth=depth)
    similar, together = (recommender.source(name) for name in (StrategyName.track_vectors, StrategyName.playlist_knn))
    assert isinstance(similar, TrackVectors) and isinstance(together, PlaylistKnn)  # noqa: S101, PT018 - for the type checker
    return PromotedModel(recommender.tracks, names, strategy, chosen.repeats, similar, together, trained_on, facts)
