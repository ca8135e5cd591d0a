"""The ``rec-assets`` command; it imports neither Dagster nor gensim."""

import click

from rec_assets.cli.make_playlists import make_playlists
from rec_assets.cli.promote import promote
from rec_assets.cli.recommend import recommend
from rec_assets.cli.serve import serve
from rec_assets.cli.summary import summary
from rec_assets.cli.tune import tune


@click.group()
def main() -> None:
    """Track recommendations from playlists."""


main.add_command(recommend)
main.add_command(promote)
main.add_command(serve)
main.add_command(summary)
main.add_command(make_playlists)
main.add_command(tune)
