"""The ``rec-assets`` command; it imports neither Dagster nor gensim."""

import click

from rec_assets.cli.make_playlists import make_playlists
from rec_assets.cli.summary import summary


@click.group()
def main() -> None:
    """Track recommendations from playlists: what lies in the store, and made playlists to try it with."""


main.add_command(summary)
main.add_command(make_playlists)
