"""A small promoted model, made in milliseconds."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from rec_assets.core.base.lineage import derive_lineage
from rec_assets.core.names.track_names import TrackNames
from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.recommender.fitting import fit_recommender
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.recommender.settings import RecommenderSettings
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.store.promoted_models import PromotedModels
from rec_assets_tests.core.ranker.planted_rankers import TRACKS, cycle_ranker, walks
from rec_assets_tests.core.strategies.slow_strategies import sequences_of

DEPTH = 7
ARTISTS = (np.arange(TRACKS) // 4).astype(np.int32)
FACTS = {
    **{"strategy": "ranker", "k": DEPTH, "hit_rate": 0.5, "dev_run": False, "note": "ö"},
    "counts": {"rows": 900, "playlists": 300, "tracks": TRACKS, "vocabulary": TRACKS},
}
LINEAGE = derive_lineage("promoted_model", code_version="1", settings={}, inputs={})


def named(tracks: int = TRACKS, artists: np.ndarray = ARTISTS) -> TrackNames:
    """Names for ``tracks`` tracks by their number, four tracks an artist."""
    names = pa.array([f"Artist {number}" for number in range(int(artists.max(initial=-1)) + 1)])
    titles = pa.array([f"Track {track}" for track in range(tracks)])
    return TrackNames.build(names, artists, titles, np.ones(tracks, np.int64))


def vectors(tracks: int = TRACKS, seed: int = 0) -> TrackEmbeddings:
    inputs, outputs = np.random.default_rng(seed).normal(size=(2, tracks, 6)).astype(np.float32)
    return TrackEmbeddings(np.arange(tracks, dtype=np.int32), np.arange(tracks, 0, -1), inputs, outputs, {})


@cache
def fitted(seed: int = 0, **settings: Any) -> Recommender:
    """All strategies over walks along a cycle, with vectors of ``seed``."""
    return fit_recommender(
        sequences_of(walks(300, seed=2)),
        ARTISTS,
        vectors(seed=seed),
        cycle_ranker(),
        RecommenderSettings(k=DEPTH, **settings),
    )


def built(recommender: Recommender | None = None, names: TrackNames | None = None, **facts: Any) -> PromotedModel:
    """A model as it is in memory before it is written."""
    return PromotedModel(recommender or fitted(), names or named(), {**FACTS, "version": 1, **facts})


def add_version(
    models: PromotedModels,
    version: int,
    recommender: Recommender | None = None,
    names: TrackNames | None = None,
    **facts: Any,
) -> Path:
    """Store a model as ``version``, which is not current yet; its file."""
    model = built(recommender, names, version=version, **facts)
    return Path(str(models.add(model.recommender, model.names, model.facts, LINEAGE)))
