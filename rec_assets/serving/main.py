"""The ``rec-assets`` command; it imports neither Dagster nor gensim."""

import click

from rec_assets.serving.make_playlists import make_playlists
from rec_assets.serving.promote import promote
from rec_assets.serving.recommend import recommend
from rec_assets.serving.serve import serve
from rec_assets.serving.summary import summary


@click.group()
def main() -> None:
    """Track recommendations from playlists."""


main.add_command(recommend)
main.add_command(promote)
main.add_command(serve)
main.add_command(summary)
main.add_command(make_playlists)
