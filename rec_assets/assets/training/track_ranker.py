"""track_ranker: how to put the candidates of all strategies in order, learned from playlists kept aside for it."""

import time

import dagster as dg

from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.training.progress import log_tenths
from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.ranker import Ranker, learn_from_held_aside
from rec_assets.core.relations import Relation
from rec_assets.core.tracks import artist_numbers
from rec_assets.resources.store import AssetStore
from rec_assets.settings import TrackRankerSettings


@dg.asset(
    group_name="training",
    kinds={"lightgbm", "json"},
    owners=OWNERS,
    code_version="1",
)
def track_ranker(
    context: dg.AssetExecutionContext,
    config: TrackRankerSettings,
    store: AssetStore,
    track_catalog: Relation,
    base_sequences: Relation,
    base_embeddings: TrackEmbeddings,
    ranker_sequences: Relation,
) -> dg.MaterializeResult[Ranker]:
    """LambdaMART over the candidates of all strategies; learned from `ranker_sequences`, which these have not seen."""
    lineage = lineage_of(context, store, config.as_dict())
    base, held_aside = (FlatSequences.from_relation(part) for part in (base_sequences, ranker_sequences))
    start = time.perf_counter()
    ranker = learn_from_held_aside(
        base,
        held_aside,
        artist_numbers(track_catalog),
        base_embeddings,
        config.ranker_settings(),
        lambda: context.log.info(f"strategies fitted on {len(base):,} playlists"),
        log_tenths(context),
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
