"""recommendation_report: figures, pictures and examples of a run, as one page that opens without a network."""

from typing import Any

import dagster as dg

from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.core.embedding_map import draw_track_map
from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.errors import SettingsError
from rec_assets.core.evaluation import rank_arrays, ranks_by_strategy
from rec_assets.core.lineage import Lineage
from rec_assets.core.relations import Relation
from rec_assets.core.report import Assessment, HtmlPage, assess, build_report
from rec_assets.core.slices import SliceRate
from rec_assets.resources.store import AssetStore
from rec_assets.settings import RanksSettings, ReportSettings


@dg.asset(
    group_name="evaluation",
    kinds={"html"},
    owners=OWNERS,
    code_version="1",
)
def recommendation_report(
    context: dg.AssetExecutionContext,
    config: ReportSettings,
    store: AssetStore,
    track_catalog: Relation,
    track_embeddings: TrackEmbeddings,
    validation_ranks: Relation,
    test_ranks: Relation,
    validation_hit_rate: dict,
    test_hit_rate: dict,
    validation_slices: Relation,
    model_leaderboard: Relation,
    strategy_ranks: Relation,
    example_recommendations: Relation,
) -> dg.MaterializeResult[HtmlPage]:
    """The whole assessment on one page: open the file in a browser."""
    lineage = lineage_of(context, store, config.as_dict())
    _require_one_question(lineage)
    assessment = Assessment(
        reports={"validation": validation_hit_rate, "test": test_hit_rate},
        ranks={"validation": rank_arrays(validation_ranks)["rank"], "test": rank_arrays(test_ranks)["rank"]},
        leaderboard=_rows(model_leaderboard),
        strategy_ranks=ranks_by_strategy(strategy_ranks),
        slices=[SliceRate(**row) for row in _rows(validation_slices)],
        examples=_rows(example_recommendations),
        track_map=draw_track_map(track_embeddings, track_catalog, method=config.map_method.value),
        settings={name: facts["settings"] for name, facts in lineage.ancestors.items()},
        versions={name: facts["data_version"] for name, facts in lineage.ancestors.items()},
    )
    return materialized(
        HtmlPage(build_report(assess(assessment))), lineage, {"strategy": validation_hit_rate["strategy"]}
    )


def _require_one_question(lineage: Lineage) -> None:
    """Refuses figures of different strategies, or of different k, on one page."""
    asked = {}
    for name in ("validation_ranks", "test_ranks", "model_leaderboard"):
        settings = dict(lineage.ancestors[name]["settings"])
        settings.pop("leaderboard_playlists", None)
        asked[name] = RanksSettings(**settings)
    for name in ("validation_hit_rate", "test_hit_rate", "validation_slices"):
        asked[name] = asked["validation_ranks"].model_copy(update={"k": lineage.ancestors[name]["settings"]["k"]})
    questions = {name: (settings.contender().label, settings.k) for name, settings in asked.items()}
    if len(set(questions.values())) > 1:
        told = ", ".join(f"{name} {strategy}@{k}" for name, (strategy, k) in questions.items())
        raise SettingsError(
            f"The report would mix figures of different strategies or k: {told}. Materialize these assets with the "
            "same settings; training_job does."
        )


def _rows(table: Relation) -> list[dict[str, Any]]:
    return table.to_arrow_table().to_pylist()
