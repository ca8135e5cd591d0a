"""What the assets of evaluation share: all strategies over the stored models, and ranks as a table."""

import dagster as dg
import numpy as np
import pyarrow as pa

from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.errors import SettingsError
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.lineage import Lineage
from rec_assets.core.ranker import Ranker
from rec_assets.core.ranking import HeldOutRanks
from rec_assets.core.recommender import Recommender
from rec_assets.core.relations import Relation
from rec_assets.core.tracks import artist_numbers
from rec_assets.settings import RanksSettings


def build_recommender(
    context: dg.AssetExecutionContext,
    track_catalog: Relation,
    train_sequences: Relation,
    track_embeddings: TrackEmbeddings,
    track_ranker: Ranker,
) -> Recommender:
    """All strategies; a catalog without artists is told."""
    training = FlatSequences.from_relation(train_sequences)
    recommender = Recommender(training, artist_numbers(track_catalog), track_embeddings, track_ranker)
    if not recommender.knows_artists:
        context.log.warning(
            "No track has an artist: artist_affinity recommends what is popular, tracks that never occur in training "
            "cannot be found, and the ranker does without what an artist tells."
        )
    return recommender


def settings_of_ranks(lineage: Lineage, ranks_name: str, k: int) -> RanksSettings:
    """The settings with which ``ranks_name``, an ancestor, was made.

    Raises:
        SettingsError: it looked for fewer than ``k`` tracks.
    """
    ranked_by = RanksSettings(**lineage.ancestors[ranks_name]["settings"])
    if k > ranked_by.k:
        raise SettingsError(
            f"k={k}, but {ranks_name} looked for {ranked_by.k} tracks only. "
            f"Materialize {ranks_name} with k={k} first, or lower k."
        )
    return ranked_by


def ranks_table(ranks: HeldOutRanks) -> pa.Table:
    """The ranks as columns, "not found" and "unknown" as null."""

    def nullable(values: np.ndarray, kind: pa.DataType, missing: int) -> pa.Array:
        return pa.array(values, kind, mask=values == missing)

    return pa.table(
        {
            "playlist_id": pa.array(ranks.playlist_id, pa.string()),
            "query_track": pa.array(ranks.query_track, pa.int32()),
            "target_track": pa.array(ranks.target_track, pa.int32()),
            "rank": nullable(ranks.rank, pa.int32(), 0),
            "popularity_rank": nullable(ranks.popularity_rank, pa.int32(), 0),
            "query_is_cold": ranks.query_is_cold,
            "target_is_cold": ranks.target_is_cold,
            "history_length": pa.array(ranks.history_length, pa.int32()),
            "target_count": pa.array(ranks.target_count, pa.int64()),
            "same_artist": pa.array(ranks.same_artist == 1, pa.bool_(), mask=ranks.same_artist == -1),
        }
    )
