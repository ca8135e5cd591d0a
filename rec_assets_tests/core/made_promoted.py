"""A small promoted model, made in milliseconds."""

from typing import Any

import numpy as np

from rec_assets.core.evaluation.comparison import CONTENDERS, Contender
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.names import TrackNames
from rec_assets.core.promoted import PromotedModel
from rec_assets.core.promoted.build import build_promoted
from rec_assets.core.recommender.recommender import Recommender
from rec_assets_tests.core.planted_rankers import TRACKS, cycle_ranker, walks
from rec_assets_tests.core.slow_strategies import sequences_of

DEPTH = 7
FACTS = {
    **{"strategy": "ranker", "k": DEPTH, "hit_rate": 0.5, "dev_run": False, "note": "ö"},
    "counts": {"rows": 900, "playlists": 300, "tracks": TRACKS, "vocabulary": TRACKS},
    "lineage": {"data_version": "made"},
}
ARTISTS = (np.arange(TRACKS) // 4).astype(np.int32)


def named(tracks: int = TRACKS, artists: np.ndarray = ARTISTS) -> TrackNames:
    names = [f"Artist {number}" for number in range(int(artists.max(initial=-1)) + 1)]
    return TrackNames.build(names, artists, [f"Track {track}" for track in range(tracks)], np.ones(tracks, np.int64))


def vectors(tracks: int = TRACKS, seed: int = 0) -> TrackEmbeddings:
    inputs, outputs = np.random.default_rng(seed).normal(size=(2, tracks, 6)).astype(np.float32)
    indexes = np.arange(tracks, dtype=np.int32)
    return TrackEmbeddings(indexes, np.arange(tracks, 0, -1), inputs, outputs, {})


RANKER = next(one for one in CONTENDERS if one.label == "ranker")


def built(contender: Contender = RANKER, *, version: int = 1, seed: int = 0, **facts: Any) -> PromotedModel:
    training = sequences_of(walks(300, seed=2))
    training = FlatSequences(
        np.array([f"secret-user-{i}" for i in range(len(training))], object), training.values, training.offsets
    )
    recommender = Recommender(training, ARTISTS, vectors(seed=seed), cycle_ranker())
    hashes = np.arange(len(training), dtype=np.uint64)
    return build_promoted(
        recommender, contender, named(), depth=DEPTH, trained_on=hashes, facts={**FACTS, "version": version, **facts}
    )
