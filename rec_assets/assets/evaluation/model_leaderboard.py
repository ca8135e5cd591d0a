"""model_leaderboard, and what it rests on: all strategies on the same validation playlists."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa

from rec_assets.assets.evaluation.recommenders import build_recommender
from rec_assets.assets.known_figures import known_seconds, sum_known
from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.assets.schemas import schema_metadata
from rec_assets.core.comparison import CONTENDERS, Contender, Outcome, try_contender
from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.example_playlists import example_playlists
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.plots import as_markdown, plot_strategy_curves
from rec_assets.core.ranker import Ranker
from rec_assets.core.recommender import Recommender, StrategyName
from rec_assets.core.relations import Relation, query
from rec_assets.resources.duckdb import SharedDuckDB
from rec_assets.resources.store import AssetStore
from rec_assets.settings import LeaderboardSettings

_PURPOSES = {
    "model_leaderboard": "One row per strategy: metrics with intervals, training and answering time.",
    "strategy_ranks": "One row per strategy and validation playlist: the place of its last track.",
    "example_recommendations": "A few validation playlists with what the chosen strategy recommends after them.",
}
_TRAINED = {
    StrategyName.track_vectors: ("track_embeddings",),
    StrategyName.ranker: ("track_embeddings", "base_embeddings", "track_ranker"),
}


@dg.multi_asset(
    group_name="evaluation",
    outs={
        name: dg.AssetOut(
            description=purpose,
            dagster_type=Relation,
            kinds={"numpy", "parquet"},
            owners=OWNERS,
            code_version="1",
            metadata=schema_metadata(name),
        )
        for name, purpose in _PURPOSES.items()
    },
)
def compare_strategies(
    context: dg.AssetExecutionContext,
    config: LeaderboardSettings,
    duckdb: SharedDuckDB,
    store: AssetStore,
    track_catalog: Relation,
    train_sequences: Relation,
    track_embeddings: TrackEmbeddings,
    track_ranker: Ranker,
    validation_sequences: Relation,
) -> Iterator[dg.MaterializeResult[Relation]]:
    """Asks every strategy, the chosen one among them, for the last track of the same validation playlists."""
    recommender = build_recommender(context, track_catalog, train_sequences, track_embeddings, track_ranker)
    held_out = FlatSequences.from_relation(validation_sequences)[: config.leaderboard_playlists]
    chosen = config.contender()
    outcomes = {}
    for contender in dict.fromkeys([*CONTENDERS, chosen]):
        outcomes[contender] = outcome = try_contender(recommender, contender, held_out, k=config.k)
        context.log.info(f"{contender.label}: hit rate@{config.k} {outcome.figures['hit_rate']:.4f}")
    title = f"Hit rate by strategy, {len(held_out):,} validation playlists"
    ranks = {contender.label: outcome.ranks for contender, outcome in outcomes.items()}
    picture = plot_strategy_curves(ranks, k=config.k, title=title, chosen=chosen.label)
    leaderboard = _leaderboard(context, outcomes, chosen)
    examples = _examples(recommender, chosen, held_out, outcomes[chosen], config.k)
    connection = duckdb.connect()
    tables = {
        "model_leaderboard": connection.from_arrow(leaderboard),
        "strategy_ranks": connection.from_arrow(_long_table(held_out, ranks)),
        "example_recommendations": _named(connection.from_arrow(examples), track_catalog),
    }
    pictures: dict[str, dict[str, Any]] = {
        "model_leaderboard": {
            "chosen": chosen.label,
            "leaderboard": dg.MetadataValue.md(_as_markdown(leaderboard)),
            "hit_rate_curves": dg.MetadataValue.md(as_markdown(picture, title)),
        }
    }
    for name, table in tables.items():
        lineage = lineage_of(context, store, config.as_dict(), key=name)
        yield materialized(table, lineage, pictures.get(name, {}), key=name)


def _leaderboard(context: dg.AssetExecutionContext, outcomes: dict[Contender, Outcome], chosen: Contender) -> pa.Table:
    """Rows by falling hit rate."""
    seconds = {name: known_seconds(context.instance, name) for names in _TRAINED.values() for name in names}
    rows = []
    for contender, outcome in outcomes.items():
        total = sum_known(*(seconds[name] for name in _TRAINED.get(contender.strategy, ())))
        rows.append({**outcome.figures, "training_seconds": total, "is_chosen": contender == chosen})
    rows.sort(key=lambda row: -float(row["hit_rate"]))
    table = pa.Table.from_pylist(rows)
    place = table.schema.get_field_index("training_seconds")
    return table.set_column(place, "training_seconds", table["training_seconds"].cast(pa.float64()))


def _long_table(held_out: FlatSequences, ranks: dict[str, Any]) -> pa.Table:
    parts = [
        pa.table(
            {
                "strategy": pa.array([label] * len(held_out), pa.string()),
                "playlist_id": pa.array(held_out.ids, pa.string()),
                "rank": pa.array(places, pa.int32(), mask=places == 0),
            }
        )
        for label, places in ranks.items()
    ]
    return pa.concat_tables(parts)


def _examples(
    recommender: Recommender, chosen: Contender, held_out: FlatSequences, outcome: Outcome, k: int
) -> pa.Table:
    strategy = recommender.strategy(chosen.strategy, chosen.query, depth=k)
    shown = example_playlists(strategy, recommender.tracks, held_out, outcome.ranks, repeats=chosen.repeats)
    return pa.Table.from_pylist([{"position": place, **asdict(track)} for place, track in enumerate(shown)])


def _named(examples: Relation, track_catalog: Relation) -> Relation:
    named = examples.set_alias("e").join(track_catalog.set_alias("c"), "e.track_index = c.track_index")
    columns = "position, playlist_id, part, place, e.track_index::INTEGER AS track_index, artist, track"
    return query(
        named.select(columns),
        "named",
        "SELECT playlist_id, part, place::INTEGER AS place, track_index, artist, track FROM named ORDER BY position",
    )


def _as_markdown(leaderboard: pa.Table) -> str:
    columns = ["strategy", "hit_rate", "hit_rate_low", "hit_rate_high", "hit_rate_at_10", "mrr", "ndcg"]
    columns += ["catalog_coverage", "median_popularity", "training_seconds", "milliseconds_per_playlist"]
    frame: pd.DataFrame = leaderboard.select(columns).to_pandas()
    return frame.to_markdown(index=False, floatfmt=".4g", missingval="unknown")
