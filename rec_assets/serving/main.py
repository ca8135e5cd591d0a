"""The ``rec-assets`` command; it imports neither Dagster nor gensim."""

import importlib.util
import re
from pathlib import Path

import click

from rec_assets import __version__
from rec_assets.core.base.errors import RecAssetsError
from rec_assets.core.synthetic import SAMPLE_ROWS, SAMPLE_SEED
from rec_assets.serving.command import errors_as_messages, storage_option
from rec_assets.serving.convert import convert
from rec_assets.serving.home import home
from rec_assets.serving.promote import promote
from rec_assets.serving.recommend import recommend
from rec_assets.serving.summary import summary


@click.group(
    epilog="Exit codes of all commands: 0 done; 1 what was asked cannot be done, and the message says why and what to "
    "do; 2 wrong usage, such as an option that is unknown or a file that is not there."
)
@click.version_option(__version__, prog_name="rec-assets")
def main() -> None:
    """Track recommendations from playlists."""


@main.command("make-playlists")
@click.argument("path", type=click.Path(dir_okay=False, writable=True, path_type=Path))
@click.option("--rows", default=SAMPLE_ROWS, show_default=True, help="Data rows, from 100 up.")
@click.option("--seed", default=SAMPLE_SEED, show_default=True, help="Same seed and rows, same file.")
def make_playlists(path: Path, rows: int, seed: int) -> None:
    """Writes synthetic playlists to PATH.

    PATH ends in .csv, .csv.gz or .parquet.

    All users, artists, tracks and playlists are invented: this is no real listening data. The rows have the
    dialect, the sizes and the awkward rows of the public file, and a planted structure that a recommender
    can learn. With the defaults it writes the sample that is shipped as data/synthetic_playlists.csv.gz.
    """
    from rec_assets.core.synthetic.writers import write_synthetic_playlists  # imports pandas: not for --help

    with errors_as_messages():
        write_synthetic_playlists(path, rows=rows, seed=seed)
    click.echo(f"{path}: {rows:,} synthetic rows, seed {seed}")


@main.command("check-config", hidden=True)
@click.argument("path", type=click.Path(path_type=Path))
def check_config(path: Path) -> None:
    """Ends with a message unless PATH can be read as settings by name; Dagster would end with a stack.

    Which settings there are, the job says.
    """
    from rec_assets.core.base.settings import read_settings  # imports pydantic: not for --help

    with errors_as_messages():
        read_settings(path, "CONFIG")


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at; there is no log-in.")
@click.option("--port", default=8_000, show_default=True, type=click.IntRange(0, 65_535), help="0 = any that is free.")
@storage_option
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Processes.")
@click.option(
    "--poll-seconds",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.01, 3_600),
    help="Between two looks at what is promoted.",
)
@click.option("--access-log", is_flag=True, help="Log each request, with the names that are asked.")
@click.option(
    "--cors-origin",
    "cors_origins",
    multiple=True,
    callback=lambda context, option, origins: tuple(map(_origin, origins)),
    metavar="ORIGIN",
    help="Origin, such as https://example.org, whose pages may ask from a browser; * = all. May be repeated.",
)
def serve(
    host: str,
    port: int,
    storage: str,
    workers: int,
    poll_seconds: float,
    access_log: bool,
    cors_origins: tuple[str, ...],
) -> None:
    """Serves the promoted model over HTTP until it is stopped.

    It has a page at /, and answers /recommend, /tracks, /health and /metrics. What is promoted meanwhile is served from
    then on, without a pause.
    """
    missing = [name for name in ("fastapi", "uvicorn", "prometheus_client") if importlib.util.find_spec(name) is None]
    if missing:
        raise click.ClickException(
            f"serve needs {', '.join(missing)}. Install: .venv/bin/pip install -c constraints.txt -e '.[serve]'"
        )
    from rec_assets.serving.http.server import ServingSettings
    from rec_assets.serving.http.server import serve as run

    try:
        run(ServingSettings(storage, host, port, workers, poll_seconds, access_log, cors_origins))
    except RecAssetsError as error:
        raise click.ClickException(str(error)) from error


def _origin(text: str) -> str:
    """``text`` if it is one; others would never match what a browser sends."""
    if text == "*" or re.fullmatch(r"https?://[^/\s@?#]+", text):
        return text
    raise click.BadParameter(f"{text!r} is no origin; expected scheme, host and port alone: https://example.org:8443")


for command in (convert, home, recommend, promote, summary):
    main.add_command(command)
