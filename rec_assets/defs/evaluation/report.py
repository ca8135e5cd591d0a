"""The report on a model."""

from dataclasses import asdict
from typing import Any

import dagster as dg

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation
from rec_assets.core.evaluation.comparison import example_playlists
from rec_assets.core.evaluation.figures import rank_array
from rec_assets.core.evaluation.slices import SliceRate
from rec_assets.core.pictures.drawing import as_markdown
from rec_assets.core.pictures.track_map import draw_track_map
from rec_assets.core.playlists.catalog import with_names
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.report.assessment import Assessment, build_report
from rec_assets.core.report.page import HtmlPage
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.core.vectors.projection import MapSettings
from rec_assets.defs.evaluation.origin import origin_of
from rec_assets.defs.shared.explained import StepConfig
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.written import escape_markdown


class ReportConfig(StepConfig, MapSettings):
    """What the report shows."""


@dg.asset(kinds={"html"}, code_version="4")
def recommendation_report(
    context: dg.AssetExecutionContext,
    config: ReportConfig,
    store: AssetStore,
    track_catalog: Relation,
    track_embeddings: TrackEmbeddings,
    recommender: Recommender,
    validation_sequences: Relation,
    validation_hit_rate: dict,
    test_hit_rate: dict,
    validation_slices: Relation,
    model_leaderboard: Relation,
) -> dg.MaterializeResult[HtmlPage]:
    """A model card: what the model was made from and is for, how good it is, and where it fails. Open its `path` in a
    browser."""
    lineage = lineage_of(context, store, config.as_dict())
    track_map, caption = draw_track_map(track_embeddings, track_catalog, method=config.map_method.value)
    examples = example_playlists(recommender, FlatSequences.from_relation(validation_sequences))
    leaderboard = _rows(model_leaderboard)
    assessment = Assessment(
        origin=origin_of(context.instance, lineage, track_catalog, recommender),
        reports={"validation": validation_hit_rate, "test": test_hit_rate},
        leaderboard=leaderboard,
        strategy_ranks={row["strategy"]: rank_array(row["ranks"]) for row in leaderboard},
        slices=[SliceRate(**row) for row in _rows(validation_slices)],
        examples=with_names(track_catalog, [asdict(track) for track in examples]),
        track_map=(track_map, caption),
        settings={name: facts["settings"] for name, facts in lineage.ancestors.items()},
        versions={name: facts["data_version"] for name, facts in lineage.ancestors.items()},
    )
    metadata = {
        "strategy": validation_hit_rate["strategy"],
        "track_map": dg.MetadataValue.md(f"{as_markdown(track_map, caption)}\n\n{escape_markdown(caption)}"),
    }
    return materialized(store, build_report(assessment), lineage, metadata)


def _rows(table: Relation) -> list[dict[str, Any]]:
    return table.to_arrow_table().to_pylist()
