"""``rec-assets promote``: the kept versions of the promoted model, and the way back to one."""

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from rec_assets.core.errors import RecAssetsError
from rec_assets.paths import storage_base


@click.command()
@click.argument("version", type=click.IntRange(min=1), required=False)
@click.option(
    "--storage",
    default=storage_base,
    help="Folder or URL of the store; REC_ASSETS_STORAGE or data/storage unless given.",
)
def promote(version: int | None, storage: str) -> None:
    """Makes VERSION, a kept one, the promoted model at once; without VERSION, lists those that are kept.

    The file is read in full first. With DAGSTER_HOME set, the UI is told. The next candidate is held against it.
    """
    from rec_assets.resources.promoted_models import PromotedModels

    try:
        with tempfile.TemporaryDirectory() as scratch:
            models = PromotedModels(storage, Path(scratch))
            if version is None:
                click.echo("\n".join(_listed(models)))
                return
            facts = models.point_to(version, by="hand")
    except (RecAssetsError, OSError, ImportError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"version {version} is promoted: hit rate@{facts['k']} {facts['hit_rate']:.4f}, {facts['strategy']}")
    if os.environ.get("DAGSTER_HOME"):
        _tell_dagster(facts)


def _listed(models: Any) -> list[str]:
    current = models.current()
    if current is None:
        return [f"no model is promoted in {models.base}. Run training_job first."]
    lines = [f"{'version':>9}  {'made':20}  {'strategy':24}  {'hit rate':>8}  {'rows':>12}  {'vocabulary':>10}"]
    for version in models.stored():
        facts, mark = models.facts(version), "*" if version == current["version"] else " "
        made = datetime.fromtimestamp(models.written_at(version), UTC).isoformat(sep=" ", timespec="seconds")[:19]
        lines.append(
            f"{mark} {version:7}  {made:20}  {facts['strategy']:24}  {facts['hit_rate']:8.4f}  "
            f"{facts['counts']['rows']:12,}  {facts['counts']['vocabulary']:10,}"
        )
    return [*lines, f"* promoted {current['promoted_at']} by {current['promoted_by']}"]


def _tell_dagster(facts: dict[str, Any]) -> None:
    """Reports the promotion to the instance, so that the UI shows which version is current."""
    import dagster as dg

    told = {name: facts[name] for name in ("version", "hit_rate", "strategy", "promoted_by")}
    # No materialization: an old model that is promoted again is no fresher than it was.
    event = dg.AssetObservation(
        "promoted_model", description=f"Version {facts['version']} was promoted by hand.", metadata=told
    )
    with dg.DagsterInstance.get() as instance:
        instance.report_runless_asset_event(event)
