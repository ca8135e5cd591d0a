"""``rec-assets promote``: the kept versions of the promoted model, and the way back to one."""

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rec_assets.core.base.errors import StoreError, naming
from rec_assets.paths import dagster_home
from rec_assets.serving.command import errors_as_messages, printable, storage_option

if TYPE_CHECKING:
    from rec_assets.store.promoted_models import PromotedModels


@click.command()
@click.argument("version", type=click.IntRange(min=1), required=False)
@storage_option
def promote(version: int | None, storage: str) -> None:
    """Lists kept versions, or makes VERSION the promoted one.

    Readers use it at once, and the next candidate is compared with it. Its file is read in full first. The UI over
    DAGSTER_HOME, or over the home of the store where that is not set, shows it.
    """
    from rec_assets.store.promoted_models import PromotedModels

    with errors_as_messages(), tempfile.TemporaryDirectory() as scratch:
        models = PromotedModels(storage, Path(scratch))
        if version is None:
            click.echo("\n".join(_listed(models)))
            return
        current = models.current_or_none()
        if current and current["version"] == version:
            models.open(version, again=True)
            click.echo(f"version {version} is promoted already, since {current['promoted_at']}; nothing is changed.")
            return
        facts = models.point_to(version, by="hand")
    click.echo(f"version {version} is promoted: hit rate@{facts['k']} {facts['hit_rate']:.4f}, {facts['strategy']}")
    click.echo(
        "playlist_recommendations are still those of another version until they are materialized again (in the UI)."
    )
    _report_to_dagster(storage, facts)


def _listed(models: "PromotedModels") -> list[str]:
    stored, current = models.stored(), models.current_or_none()
    if not stored:
        return [models.none_promoted()]
    lines = [f"{'version':>9}  {'made':20}  {'strategy':24}  {'hit rate@k':>12}  {'rows':>12}  {'vocabulary':>10}"]
    for version in stored:
        mark = "*" if current and version == current["version"] else " "
        lines.append(f"{mark} {version:7}  {_described(models, version)}")
    named = "none of them is promoted: choose one with rec-assets promote VERSION"
    if current:
        by = {"hand": "by hand", "gate": "by training_job"}.get(current["promoted_by"], "")
        named = f"* promoted {current['promoted_at']} {by}".rstrip()
    return [*lines, named]


def _described(models: "PromotedModels", version: int) -> str:
    try:
        facts = models.facts(version)
        with naming(f"version {version} of {models.base}", "Its file has no time that can be."):
            made = datetime.fromtimestamp(models.written_at(version), UTC).isoformat(sep=" ", timespec="seconds")[:19]
    except StoreError as error:
        return f"cannot be used: {error}"
    strategy, hit_rate = printable(facts["strategy"]), f"{facts['hit_rate']:.4f} @{facts['k']}"
    counts = facts["counts"]
    return f"{made:20}  {strategy:24}  {hit_rate:>12}  {counts['rows']:12,}  {counts['vocabulary']:10,}"


def _report_to_dagster(storage: str, facts: dict[str, Any]) -> None:
    """Reports the promotion to DAGSTER_HOME, else to the home of the store, so that the UI shows what is current."""
    home, is_set = dagster_home(storage), bool(os.environ.get("DAGSTER_HOME"))
    if not is_set and not home.exists():
        return
    import dagster as dg  # two seconds

    from rec_assets.store.history import require_own

    # No materialization: an old model that is promoted again is no fresher than it was.
    event = dg.AssetObservation(
        "promoted_model",
        description=f"Version {facts['version']} was promoted by hand.",
        metadata={
            "store": storage,
            **{name: facts[name] for name in ("version", "hit_rate", "strategy", "promoted_by")},
        },
    )
    try:
        with dg.DagsterInstance.get() if is_set else dg.DagsterInstance.from_config(str(home)) as instance:
            require_own(instance, storage)
            instance.report_runless_asset_event(event)
    except Exception as error:  # noqa: BLE001 - it is promoted all the same, whatever Dagster's database says
        first_line = (str(error) or type(error).__name__).splitlines()[0]
        click.echo(f"It is promoted, but the UI does not show it. {first_line}", err=True)
