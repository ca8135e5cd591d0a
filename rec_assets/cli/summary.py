"""``rec-assets summary``: what the last run left in the store."""

import json
from pathlib import Path

import click
import duckdb

from rec_assets.core.errors import RecAssetsError, StoreError
from rec_assets.core.examples import example_neighbours
from rec_assets.core.model_file import load_embeddings
from rec_assets.paths import storage_base

EXAMPLES, NEAREST = 3, 3


@click.command()
@click.option(
    "--storage",
    type=click.Path(file_okay=False, path_type=Path),
    default=lambda: Path(storage_base()),
    help="Folder of the store; REC_ASSETS_STORAGE or data/storage unless given.",
)
def summary(storage: Path) -> None:
    """Shows the two hit rates, three example recommendations, and where the files lie."""
    try:
        click.echo("\n".join(["", *_hit_rates(storage), "", *_examples(storage), "", *_files(storage)]))
    except RecAssetsError as error:
        raise click.ClickException(str(error)) from error


def _hit_rates(storage: Path) -> list[str]:
    lines = []
    for part in ("validation", "test"):
        path = storage / f"{part}_hit_rate.json"
        if not path.exists():
            raise StoreError(f"{path} does not exist. Run training_job first (make run).")
        report = json.loads(path.read_text())
        lines.append(
            f"{part + ' hit rate@' + str(report['k']):24} {report['hit_rate']:.4f}   "
            f"{report['playlists']:,} playlists, popularity {report['popularity_hit_rate']:.4f}"
            + (f"   DEV RUN on {report['sample_percent']:g} % of the playlists" if report["dev_run"] else "")
        )
    return lines


def _examples(storage: Path) -> list[str]:
    embeddings = load_embeddings(storage / "track_embeddings.safetensors")
    with duckdb.connect() as connection:
        catalog = connection.read_parquet(str(storage / "track_catalog.parquet"))
        examples = example_neighbours(embeddings, catalog, examples=EXAMPLES, depth=NEAREST)
    lines = []
    for example in examples:
        lines.append(f"after {example.query}")
        lines += [f"    {place}. {name}" for place, (name, _) in enumerate(example.nearest, start=1)]
    return lines


def _files(storage: Path) -> list[str]:
    files = sorted(path for path in storage.iterdir() if not path.name.startswith("."))
    return [
        f"files in {storage}",
        *(f"    {path.name:36} {path.stat().st_size / 1e6:>10,.2f} MB" for path in files),
    ]
