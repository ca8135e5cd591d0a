"""Options that several commands have."""

import click

from rec_assets.paths import storage_base

storage_option = click.option(
    "--storage",
    default=storage_base,
    help="Folder or URL of the store; REC_ASSETS_STORAGE or data/storage unless given.",
)
