"""A trial: one combination of settings, from training to its hit rate on the validation playlists."""

import base64
import time
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation
from rec_assets.core.base.settings import setting
from rec_assets.core.evaluation.comparison import rank_held_out
from rec_assets.core.evaluation.figures import report_hit_rate
from rec_assets.core.evaluation.metrics import hits
from rec_assets.core.ranker.cross_fitting import gather_examples
from rec_assets.core.ranker.settings import RankerSettings
from rec_assets.core.recommender.fitting import asks_ranker, asks_vectors, fit_recommender
from rec_assets.core.recommender.settings import Fitted, RecommenderSettings
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.core.vectors.word2vec import EmbeddingsSettings, train_word2vec, untrained_vectors


class TrialSettings(RecommenderSettings, RankerSettings, EmbeddingsSettings):
    """Everything that a trial may try: how vectors and ranker are trained, and how the strategy is asked."""

    fitted: Fitted = setting(Fitted.chosen, "A trial fits only what its own strategy needs.")


@dataclass(frozen=True)
class TrialData:
    """What all trials are made from: training and validation playlists, and (t,) ``artists`` by track index."""

    train_sequences: Relation
    validation: FlatSequences
    artists: np.ndarray


@dataclass(frozen=True)
class TrialResult:
    """The figures of a trial (see :func:`report_hit_rate`), which playlists were hits (m,), and how long it took."""

    report: dict[str, Any]
    hits: np.ndarray
    seconds: float

    def as_document(self) -> dict[str, Any]:
        """JSON-ready, with the hits as packed bits."""
        packed = base64.b64encode(zlib.compress(np.packbits(self.hits).tobytes(), 9)).decode()
        return {"report": self.report, "hits": packed, "seconds": self.seconds}

    @classmethod
    def from_document(cls, document: dict[str, Any]) -> "TrialResult":
        """The inverse of :meth:`as_document`."""
        report, bits = document["report"], zlib.decompress(base64.b64decode(document["hits"]))
        unpacked = np.unpackbits(np.frombuffer(bits, np.uint8), count=report["playlists"])
        return cls(report, unpacked.astype(bool), document["seconds"])


def run_trial(data: TrialData, settings: TrialSettings) -> TrialResult:
    """Train what the strategy of ``settings`` needs, fit it, and measure it on the validation playlists.

    Raises:
        SettingsError: the settings do not fit the data.
        DataError: there is too little to learn from.
        TrainingError: training failed.
    """

    def train(playlists: FlatSequences) -> TrackEmbeddings:
        if not asks_vectors(settings):
            return untrained_vectors(playlists, settings.min_count)
        embeddings = train_word2vec(playlists, settings).embeddings
        embeddings.require_finite()
        return embeddings

    start = time.perf_counter()
    training, ranker = FlatSequences.from_relation(data.train_sequences), None
    embeddings = train(training)
    if asks_ranker(settings):
        ranker = gather_examples(data.train_sequences, data.artists, settings, train).learn()
    recommender = fit_recommender(training, data.artists, embeddings, ranker, settings)
    ranks = rank_held_out(recommender, data.validation)
    report = report_hit_rate(vars(ranks), k=settings.k)
    return TrialResult(report, hits(ranks.rank, k=settings.k), time.perf_counter() - start)
