"""validation_hit_rate and test_hit_rate: the figures, as JSON."""

import dagster as dg

from rec_assets.core.base.relations import Relation
from rec_assets.core.evaluation.figures import asked_of, rank_arrays, report_hit_rate
from rec_assets.core.pictures import as_markdown, plot_hit_rate_curve
from rec_assets.defs.shared.known_figures import hit_rate_metadata
from rec_assets.defs.shared.materialized import lineage_of, materialized
from rec_assets.store.asset_store import AssetStore


def build_hit_rate_asset(part: str) -> dg.AssetsDefinition:
    """The asset ``<part>_hit_rate`` over ``<part>_ranks``."""

    @dg.asset(
        name=f"{part}_hit_rate",
        description=f"Hit rate@k over the {part} playlists.",
        ins={"ranks": dg.AssetIn(f"{part}_ranks")},
        kinds={"numpy", "json"},
        code_version="3",
    )
    def part_hit_rate(
        context: dg.AssetExecutionContext, store: AssetStore, ranks: Relation
    ) -> dg.MaterializeResult[dict]:
        lineage = lineage_of(context, store, {})
        strategy, k = asked_of(ranks)
        columns = rank_arrays(ranks)
        report = report_hit_rate(columns, k=k)
        title = f"Hit rate of {strategy} on {report['playlists']:,} {part} playlists"
        if lineage.is_dev:
            title += f" (dev run, {lineage.sample_percent:g} %)"
        picture = plot_hit_rate_curve(columns["rank"], columns["popularity_rank"], k=k, title=title, label=strategy)
        metadata = {
            **hit_rate_metadata(report, strategy),
            "popularity_hit_rate": report["popularity_hit_rate"],
            "cold_query_share": report["cold_queries"] / report["playlists"],
            "cold_target_share": report["cold_targets"] / report["playlists"],
            "hit_rate_curve": dg.MetadataValue.md(as_markdown(picture, title)),
        }
        marks = {"sample_percent": lineage.sample_percent, "dev_run": lineage.is_dev}
        return materialized({"strategy": strategy, **report, **marks}, lineage, metadata)

    return part_hit_rate


validation_hit_rate = build_hit_rate_asset("validation")
test_hit_rate = build_hit_rate_asset("test")
