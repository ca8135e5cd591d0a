"""validation_hit_rate and test_hit_rate: the figures, as JSON."""

import dagster as dg

from rec_assets.assets.evaluation.recommenders import settings_of_ranks
from rec_assets.assets.known_figures import hit_rate_metadata
from rec_assets.assets.materialized import OWNERS, lineage_of, materialized
from rec_assets.core.evaluation import rank_arrays, report_hit_rate
from rec_assets.core.plots import as_markdown, plot_hit_rate_curve
from rec_assets.core.relations import Relation
from rec_assets.resources.store import AssetStore
from rec_assets.settings import HitRateSettings


def build_hit_rate_asset(part: str) -> dg.AssetsDefinition:
    """The asset ``<part>_hit_rate`` over ``<part>_ranks``."""
    ranks_name = f"{part}_ranks"

    @dg.asset(
        name=f"{part}_hit_rate",
        description=f"Hit rate@k over the {part} playlists, with the settings that made it.",
        ins={"ranks": dg.AssetIn(ranks_name)},
        group_name="evaluation",
        kinds={"numpy", "json"},
        owners=OWNERS,
        code_version="2",
    )
    def part_hit_rate(
        context: dg.AssetExecutionContext, config: HitRateSettings, store: AssetStore, ranks: Relation
    ) -> dg.MaterializeResult[dict]:
        lineage = lineage_of(context, store, config.as_dict())
        strategy = settings_of_ranks(lineage, ranks_name, config.k).contender().label
        columns = rank_arrays(ranks)
        report = report_hit_rate(columns, k=config.k)
        title = f"Hit rate of {strategy} on {report['playlists']:,} {part} playlists"
        if lineage.is_dev:
            title += f" (dev run, {lineage.sample_percent:g} %)"
        picture = plot_hit_rate_curve(
            columns["rank"], columns["popularity_rank"], k=config.k, title=title, label=strategy
        )
        metadata = {
            **hit_rate_metadata(report, strategy),
            "popularity_hit_rate": report["popularity_hit_rate"],
            "cold_query_share": report["cold_queries"] / report["playlists"],
            "cold_target_share": report["cold_targets"] / report["playlists"],
            "hit_rate_curve": dg.MetadataValue.md(as_markdown(picture, title)),
        }
        marks = {
            "sample_percent": lineage.sample_percent,
            "dev_run": lineage.is_dev,
            "settings": config.as_dict(),
        }
        return materialized({"strategy": strategy, **report, **marks}, lineage, metadata)

    return part_hit_rate


validation_hit_rate = build_hit_rate_asset("validation")
test_hit_rate = build_hit_rate_asset("test")
