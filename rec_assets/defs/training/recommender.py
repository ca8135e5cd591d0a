"""recommender: the strategies fitted on the training playlists, once; all that asks for recommendations opens it."""

import time

import dagster as dg
import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation
from rec_assets.core.playlists.sequences import playlist_hashes
from rec_assets.core.ranker.learned import Ranker
from rec_assets.core.recommender.fitting import asks_ranker, fit_recommender
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.recommender.settings import RecommenderSettings
from rec_assets.core.strategies.tracks import artist_numbers
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.store.asset_store import AssetStore


class RecommenderConfig(dg.Config, RecommenderSettings):
    """What recommends, how many tracks, and how it is asked."""


# The ranker is no input, so that it is read only where the settings ask for it, and tutorial_job need not make one.
@dg.asset(deps=["track_ranker"], kinds={"numpy", "safetensors"}, code_version="1")
def recommender(
    context: dg.AssetExecutionContext,
    config: RecommenderConfig,
    store: AssetStore,
    track_catalog: Relation,
    train_sequences: Relation,
    track_embeddings: TrackEmbeddings,
) -> dg.MaterializeResult[Recommender]:
    """The chosen strategy, fitted, with all that answering takes; and the others, to be compared with it."""
    ranker = store.read("track_ranker", Ranker) if asks_ranker(config) else None
    lineage = lineage_of(context, store, config.as_dict(), unused=() if ranker else ("track_ranker",))
    seconds: dict[str, float] = {}
    start = time.perf_counter()

    def on_fitted(label: str) -> None:
        seconds[label] = round(time.perf_counter() - start - sum(seconds.values()), 3)
        context.log.info(f"{label} fitted in {seconds[label]:.1f} s")

    fitted = fit_recommender(
        FlatSequences.from_relation(train_sequences),
        artist_numbers(track_catalog),
        track_embeddings,
        ranker,
        config,
        trained_on=np.sort(playlist_hashes(train_sequences)),
        on_fitted=on_fitted,
    )
    if not fitted.knows_artists:
        context.log.warning(
            "No track has an artist: artist_affinity recommends what is popular, tracks that never occur in training "
            "cannot be found, and the ranker does without what an artist tells."
        )
    metadata = {"strategy": fitted.chosen.label, "k": config.k, "fit_seconds": dg.MetadataValue.json(seconds)}
    return materialized(fitted, lineage, metadata)
