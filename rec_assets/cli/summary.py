"""``rec-assets summary``: what the last run left in the store."""

import json
import tempfile
from pathlib import Path

import click

from rec_assets.cli.options import storage_option
from rec_assets.cli.printable import printable
from rec_assets.core.errors import RecAssetsError, StoreError
from rec_assets.core.lineage import LINEAGE_KEY

EXAMPLES, LAST, RECOMMENDED = 3, 2, 3
_HIT_RATES = ("validation_hit_rate.json", "test_hit_rate.json")
_MODEL, _RANKER, _EXAMPLES = "track_embeddings.safetensors", "track_ranker.json", "example_recommendations.parquet"


@click.command()
@storage_option
def summary(storage: str) -> None:
    """Shows the two hit rates, three example recommendations, and where the files lie."""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            folder = _local(storage, Path(scratch))
            lines = ["", *_hit_rates(folder), *_promoted(storage), "", *_examples(folder), "", *_files(storage)]
        except (RecAssetsError, OSError, ImportError, ValueError) as error:
            raise click.ClickException(str(error)) from error
    click.echo("\n".join(lines))


def _local(storage: str, scratch: Path) -> Path:
    """A folder of this machine with the files that are read here."""
    from upath import UPath

    base = UPath(storage)
    for name in (*_HIT_RATES, _MODEL, _RANKER, _EXAMPLES):
        if not (base / name).exists():
            raise StoreError(f"{base / name} does not exist. Run training_job first (make run).")
        if "://" in storage:
            base.fs.get_file((base / name).path, str(scratch / name))
    return scratch if "://" in storage else Path(storage)


def _hit_rates(folder: Path) -> list[str]:
    from rec_assets.core.model_file import load_notes

    notes = json.loads(load_notes(folder / _MODEL)[LINEAGE_KEY])
    ranker = json.loads((folder / _RANKER).read_text(encoding="utf-8"))["lineage"]
    models = {"track_embeddings": notes["data_version"], "track_ranker": ranker["data_version"]}
    lines = []
    for name in _HIT_RATES:
        report = json.loads((folder / name).read_text(encoding="utf-8"))
        lines.append(
            f"{name.split('_')[0] + ' hit rate@' + str(report['k']):24} {report['hit_rate']:.4f}   "
            f"{report['strategy']}, {report['playlists']:,} playlists, popularity {report['popularity_hit_rate']:.4f}"
            + (f"   DEV RUN on {report['sample_percent']:g} % of the playlists" if report["dev_run"] else "")
            + ("" if _measured(report, models) else "   OF AN EARLIER MODEL: run training_job to the end")
        )
    return lines


def _promoted(storage: str) -> list[str]:
    """Which version readers use, and why the last candidate is not it."""
    from upath import UPath

    from rec_assets.resources.promoted_models import PromotedModels

    current = PromotedModels(storage).current()
    named = (
        f"version {current['version']}, hit rate@{current['k']} {current['hit_rate']:.4f}" if current else "none yet"
    )
    lines = [f"{'promoted model':24} {named}"]
    decision = UPath(storage) / "promotion_decision.json"
    if decision.exists():
        report = json.loads(decision.read_text(encoding="utf-8"))
        reasons = "; and ".join(report["reasons"])
        lines += [] if report["promote"] else [f"{'':24} the last candidate was REFUSED: {reasons}"]
    return lines


def _measured(report: dict, models: dict[str, str]) -> bool:
    """Whether the hit rate is that of the stored ``models``, which are versions by asset."""
    ancestors = report["lineage"]["ancestors"]
    return all(ancestors[name]["data_version"] == version for name, version in models.items())


def _examples(folder: Path) -> list[str]:
    import pyarrow.parquet as pq

    from rec_assets.core.catalog import track_name

    rows = pq.read_table(folder / _EXAMPLES).to_pylist()
    lines = []
    for playlist in list(dict.fromkeys(row["playlist_id"] for row in rows))[:EXAMPLES]:
        own = [row for row in rows if row["playlist_id"] == playlist]
        names = {
            part: [printable(track_name(row["artist"], row["track"])) for row in own if row["part"] == part]
            for part in ("history", "recommended")
        }
        lines.append(f"after … {' · '.join(names['history'][-LAST:])}")
        lines += [f"    {place}. {name}" for place, name in enumerate(names["recommended"][:RECOMMENDED], start=1)]
    return lines


def _files(storage: str) -> list[str]:
    from upath import UPath

    files = sorted(
        (path for path in UPath(storage).iterdir() if not path.name.startswith(".") and path.is_file()),
        key=lambda p: p.name,
    )
    return [
        f"files in {storage}",
        *(f"    {path.name:36} {path.stat().st_size / 1e6:>10,.2f} MB" for path in files),
    ]
