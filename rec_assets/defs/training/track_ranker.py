"""track_ranker: how to order the candidates of all strategies, learned from training playlists kept aside for it."""

import time
from collections.abc import Callable

import dagster as dg

from rec_assets.core.base.relations import Relation
from rec_assets.core.ranker.held_aside import learn_from_held_aside
from rec_assets.core.ranker.learned import Ranker, RankerSettings
from rec_assets.core.strategies.tracks import artist_numbers
from rec_assets.core.vectors.word2vec import EmbeddingsSettings, train_word2vec
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.defs.training.track_embeddings import log_epochs
from rec_assets.store.asset_store import AssetStore


class TrackRankerConfig(dg.Config, RankerSettings, EmbeddingsSettings):
    """How the ranker learns, from which strategies, and how the vectors of one of these are trained."""


@dg.asset(kinds={"lightgbm", "json"}, code_version="2")
def track_ranker(
    context: dg.AssetExecutionContext,
    config: TrackRankerConfig,
    store: AssetStore,
    track_catalog: Relation,
    train_sequences: Relation,
) -> dg.MaterializeResult[Ranker]:
    """LambdaMART over the candidates of all strategies, learned from training playlists that these have not seen."""
    lineage = lineage_of(context, store, config.as_dict())
    start = time.perf_counter()
    ranker = learn_from_held_aside(
        train_sequences,
        artist_numbers(track_catalog),
        config,
        lambda base: train_word2vec(base, config, log_epochs(context)).embeddings,
        lambda playlists: context.log.info(f"strategies fitted on {playlists:,} playlists"),
        _log_tenths(context),
    )
    metadata = {
        "examples": ranker.examples,
        "targets_not_proposed": ranker.targets_missed,
        "training_seconds": time.perf_counter() - start,
        "most_useful_features": dg.MetadataValue.md(_as_list(ranker.gains)),
    }
    return materialized(ranker, lineage, metadata)


def _as_list(gains: dict[str, float], shown: int = 10) -> str:
    largest = sorted(gains.items(), key=lambda item: -item[1])[:shown]
    return "Share of the gain of all splits:\n\n" + "\n".join(f"- {name} {gain:.1%}" for name, gain in largest)


def _log_tenths(context: dg.AssetExecutionContext) -> Callable[[int, int], None]:
    """Logs each tenth of the examples of a ranker."""
    last = -1

    def log(done: int, examples: int) -> None:
        nonlocal last
        if 10 * done // examples > last:
            last = 10 * done // examples
            context.log.info(f"candidates of {done:,} of {examples:,} histories")

    return log
