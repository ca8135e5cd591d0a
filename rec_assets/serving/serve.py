"""``rec-assets serve``: the promoted model over HTTP."""

import importlib.util

import click

from rec_assets.core.base.errors import RecAssetsError
from rec_assets.serving.http.settings import ServingSettings
from rec_assets.serving.options import storage_option


@click.command()
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
def serve(host: str, port: int, storage: str, workers: int, poll_seconds: float, access_log: bool) -> None:
    """Serves GET /recommend?artist=…&track=…&k=10 and GET /health until it is stopped.

    What is promoted meanwhile is served from then on, without a pause.
    """
    missing = [name for name in ("fastapi", "uvicorn") if importlib.util.find_spec(name) is None]
    if missing:
        raise click.ClickException(
            f"serve needs {' and '.join(missing)}. Install: .venv/bin/pip install -c constraints.txt -e '.[serve]'"
        )
    from rec_assets.serving.http.server import serve as run

    try:
        run(ServingSettings(storage, host, port, workers, poll_seconds, access_log))
    except RecAssetsError as error:
        raise click.ClickException(str(error)) from error
