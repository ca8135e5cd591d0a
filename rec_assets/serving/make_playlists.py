"""``rec-assets make-playlists``: writes synthetic playlists for tests, demonstrations and benchmarks."""

from pathlib import Path

import click

from rec_assets.core.base.errors import RecAssetsError
from rec_assets.core.synthetic_sample import SAMPLE_ROWS, SAMPLE_SEED


@click.command("make-playlists")
@click.argument("path", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--rows", default=SAMPLE_ROWS, show_default=True, help="Data rows, from 100 up.")
@click.option("--seed", default=SAMPLE_SEED, show_default=True, help="Same seed and rows, same file.")
def make_playlists(path: Path, rows: int, seed: int) -> None:
    """Writes synthetic playlist rows to PATH (.csv, .csv.gz or .parquet).

    All users, artists, tracks and playlists are invented: this is no real listening data. The rows have the
    dialect, the sizes and the awkward rows of the public file, and a planted structure that a recommender
    can learn. With the defaults it writes the sample that is shipped as data/synthetic_playlists.csv.gz.
    """
    from rec_assets.core.synthetic import write_synthetic_playlists  # imports pandas: not for --help

    try:
        write_synthetic_playlists(path, rows=rows, seed=seed)
    except (RecAssetsError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{path}: {rows:,} synthetic rows, seed {seed}")
