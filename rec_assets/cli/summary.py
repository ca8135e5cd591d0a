"""``rec-assets summary``: what the last run left in the store."""

import json
import tempfile
from pathlib import Path

import click

from rec_assets.core.errors import RecAssetsError, StoreError
from rec_assets.paths import storage_base

EXAMPLES, NEAREST = 3, 3
_HIT_RATES = ("validation_hit_rate.json", "test_hit_rate.json")
_MODEL, _CATALOG = "track_embeddings.safetensors", "track_catalog.parquet"


@click.command()
@click.option(
    "--storage",
    default=storage_base,
    help="Folder or URL of the store; REC_ASSETS_STORAGE or data/storage unless given.",
)
def summary(storage: str) -> None:
    """Shows the two hit rates, three example recommendations, and where the files lie."""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            folder = _local(storage, Path(scratch))
            lines = ["", *_hit_rates(folder), "", *_examples(folder), "", *_files(storage)]
        except (RecAssetsError, OSError, ImportError) as error:
            raise click.ClickException(str(error)) from error
    click.echo("\n".join(lines))


def _local(storage: str, scratch: Path) -> Path:
    """A folder of this machine with the files that are read here."""
    from upath import UPath

    base = UPath(storage)
    for name in (*_HIT_RATES, _MODEL, _CATALOG):
        if not (base / name).exists():
            raise StoreError(f"{base / name} does not exist. Run training_job first (make run).")
        if "://" in storage:
            base.fs.get_file((base / name).path, str(scratch / name))
    return scratch if "://" in storage else Path(storage)


def _hit_rates(folder: Path) -> list[str]:
    from rec_assets.resources.formats import ModelFormat

    model = ModelFormat().read_lineage(folder / _MODEL).data_version
    lines = []
    for name in _HIT_RATES:
        report = json.loads((folder / name).read_text(encoding="utf-8"))
        lines.append(
            f"{name.split('_')[0] + ' hit rate@' + str(report['k']):24} {report['hit_rate']:.4f}   "
            f"{report['playlists']:,} playlists, popularity {report['popularity_hit_rate']:.4f}"
            + (f"   DEV RUN on {report['sample_percent']:g} % of the playlists" if report["dev_run"] else "")
            + ("" if _measured(report) == model else "   OF AN EARLIER MODEL: run training_job to the end")
        )
    return lines


def _measured(report: dict) -> str:
    """The version of the model whose hit rate it is."""
    return report["lineage"]["ancestors"]["track_embeddings"]["data_version"]


def _examples(folder: Path) -> list[str]:
    import duckdb

    from rec_assets.core.examples import example_neighbours
    from rec_assets.core.model_file import load_embeddings, require_own_catalog
    from rec_assets.core.relations import read_table

    require_own_catalog(folder / _MODEL, folder / _CATALOG)
    with duckdb.connect() as connection:
        catalog = read_table(connection, folder / _CATALOG)
        examples = example_neighbours(load_embeddings(folder / _MODEL), catalog, examples=EXAMPLES, depth=NEAREST)
    lines = []
    for example in examples:
        lines.append(f"after {' '.join(example.query.split())}")
        lines += [f"    {place}. {' '.join(name.split())}" for place, (name, _) in enumerate(example.nearest, start=1)]
    return lines


def _files(storage: str) -> list[str]:
    from upath import UPath

    files = sorted((path for path in UPath(storage).iterdir() if not path.name.startswith(".")), key=lambda p: p.name)
    return [
        f"files in {storage}",
        *(f"    {path.name:36} {path.stat().st_size / 1e6:>10,.2f} MB" for path in files),
    ]
