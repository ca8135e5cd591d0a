"""``rec-assets tune``: runs the trials of a search."""

import signal
import sys
from pathlib import Path
from typing import Any, NoReturn

import click

from rec_assets.cli.options import storage_option
from rec_assets.core.errors import RecAssetsError


@click.command()
@click.argument("search")
@click.option("--parallel", default=1, show_default=True, type=click.IntRange(1, 64), help="Trials at the same time.")
@click.option("--trials", type=click.IntRange(1), help="How many in all, instead of what the search says.")
@click.option("--seed", type=click.IntRange(0), help="Another seed; the search is then called after it, too.")
@click.option("--best", type=click.Path(dir_okay=False, path_type=Path), help="File for the best trial's settings.")
@click.option("--webserver", help="URL of a running web server, which then runs the trials.")
@storage_option
def tune(best: Path | None, **wishes: Any) -> None:
    """Runs the trials of SEARCH, a YAML file or the name of a ready-made one, and shows the best settings.

    Trials are measured on the validation playlists that lie in the store: run training_job before. The same command
    again goes on where it was stopped: what is finished is not done again.
    """
    from rec_assets.tuning.tune import Wishes  # imports Dagster and gensim: not for --help
    from rec_assets.tuning.tune import tune as run

    signal.signal(signal.SIGTERM, _interrupt)
    try:
        config = run(Wishes(**wishes), lambda line: click.echo(line))
        if config is None:
            raise click.ClickException("No trial finished; the reasons stand above.")
        if best is not None:
            best.write_text(config, encoding="utf-8")
    except KeyboardInterrupt:
        click.echo("Stopped. Finished trials are kept; the same command goes on from here.", err=True)
        sys.exit(130)
    except (RecAssetsError, OSError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"\nThe best settings{f', written to {best}' if best else ''}, a config of training_job:\n\n{config}")


def _interrupt(number: int, frame: object) -> NoReturn:
    """SIGTERM ends as Ctrl-C does: the trials at work are stopped first."""
    raise KeyboardInterrupt
