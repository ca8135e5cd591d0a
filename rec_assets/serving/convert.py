"""``rec-assets convert``: playlist files of any kind that is read, as one parquet file."""

import tempfile
from pathlib import Path
from typing import Any

import click

from rec_assets.paths import memory_limit
from rec_assets.serving.command import errors_as_messages

# What a file is called by those who hand it out, and the format in which it is written.
KINDS = {
    "auto": "auto",
    "csv": "csv",
    "unescaped_csv": "unescaped_csv",
    "parquet": "parquet",
    "json": "json",
    "nowplaying": "unescaped_csv",
    "exportify": "csv",
    "lastfm": "csv",
    "mpd": "json",
    "listenbrainz": "json",
    "spotify-history": "json",
    "spotify-playlists": "json",
}


@click.command()
@click.argument("kind", type=click.Choice(list(KINDS)), metavar="KIND")
@click.argument("source", type=click.Path(exists=True, path_type=Path), metavar="IN")
@click.argument("target", type=click.Path(dir_okay=False, writable=True, path_type=Path), metavar="OUT.parquet")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="YAML file of settings of the source; those of training are left aside.",
)
def convert(kind: str, source: Path, target: Path, config: Path | None) -> None:
    """Reads playlist files of any kind into one parquet file.

    IN is a file, a folder or a zip archive. KIND is auto, csv, unescaped_csv, parquet or json, or where the files come
    from: nowplaying, exportify, lastfm, mpd, listenbrainz, spotify-history or spotify-playlists.

    OUT.parquet can be the source of training_job, and is read faster. Rows that cannot be read are counted, and kept
    with their reasons in OUT.rejects.parquet.
    """
    with errors_as_messages(), tempfile.TemporaryDirectory() as scratch:
        _convert(KINDS[kind], source, target, config, Path(scratch))


def _convert(written_as: str, source: Path, target: Path, config: Path | None, scratch: Path) -> None:
    from upath import UPath  # not for --help

    from rec_assets.core.base.relations import connect_spilling
    from rec_assets.core.base.settings import read_settings
    from rec_assets.core.playlists.readers.files import content_digest, locate, name_files, open_archives
    from rec_assets.core.playlists.readers.settings import SourceSettings
    from rec_assets.core.playlists.readers.staging import stage_playlists
    from rec_assets.store.atomic import atomic_file

    values = read_settings(config, "--config") if config else {}
    settings = SourceSettings(**{"format": written_as, **_of_source(values)})
    files, left_out = open_archives(locate(str(source)))
    if len(files) > 1:
        content_digest(files)  # refuses files of equal content, as training does
    rejects = target.with_suffix(".rejects.parquet")
    with connect_spilling(memory_limit(), scratch) as connection:
        staged = stage_playlists(connection, files, settings, scratch)
        for table, path in [(staged.rejects, rejects)] * bool(staged.reject_count) + [(staged.rows, target)]:
            with atomic_file(UPath(path), scratch) as temporary:
                table.to_parquet(str(temporary))
    for note in staged.notes:
        click.echo(f"{note}.", err=True)
    if left_out:
        click.echo(f"not read: {name_files(left_out)}.", err=True)
    if staged.reject_count:
        click.echo(f"{staged.reject_count:,} rows cannot be read; they are in {rejects}, with their reasons.", err=True)
    click.echo(f"{target}: {staged.row_count:,} rows of {len(files):,} files")


def _of_source(values: dict[str, Any]) -> dict[str, Any]:
    """``values`` without settings that only training_job has."""
    from rec_assets.core.playlists.readers.settings import SourceSettings

    if values.keys() <= SourceSettings.model_fields.keys():
        return values
    from rec_assets.defs.jobs import TrainingSettings  # Dagster takes a second

    others = TrainingSettings.model_fields.keys() - SourceSettings.model_fields.keys()
    return {name: value for name, value in values.items() if name not in others}
