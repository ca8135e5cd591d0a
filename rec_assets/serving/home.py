"""``rec-assets home``: the Dagster home that belongs to a store."""

import shutil

import click

from rec_assets.paths import HOME_SETTINGS, dagster_home
from rec_assets.serving.command import errors_as_messages, storage_option


@click.command()
@storage_option
def home(storage: str) -> None:
    """Prints the Dagster home of the store.

    It keeps the history of runs into this store and no other. It is made if there is none; a dagster.yaml that is there
    stays as it is. Use it so:

        export DAGSTER_HOME=$(rec-assets home)
    """
    folder = dagster_home(storage)
    with errors_as_messages():
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / HOME_SETTINGS.name).exists():
            shutil.copyfile(HOME_SETTINGS, folder / HOME_SETTINGS.name)
    click.echo(folder)
