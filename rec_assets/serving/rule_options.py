"""The options of the command line that say what may be recommended."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rec_assets.serving.command import printable, printable_track
from rec_assets.serving.playlist_file import FILE, read_tracks

if TYPE_CHECKING:
    from rec_assets.core.names.track_names import TrackNames
    from rec_assets.core.promoted.rules import Rules

_OPTIONS = (
    click.option("--per-artist", type=click.IntRange(1, 1_000), help="Tracks of one artist at most."),
    click.option(
        "--exclude",
        multiple=True,
        nargs=2,
        metavar="ARTIST TRACK",
        help="Track to leave out. May be repeated, as below.",
    ),
    click.option("--exclude-artist", "exclude_artists", multiple=True, metavar="ARTIST", help="Artist to leave out."),
    click.option("--exclude-file", type=FILE, help="File of tracks to leave out, read as --playlist is."),
    click.option("--only-artist", "only_artists", multiple=True, metavar="ARTIST", help="Leave out all other artists."),
    click.option("--only-file", type=FILE, help="File of tracks; leave out all others, but those of --only-artist."),
)


def rule_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``command`` with the options, whose values :func:`find_rules` takes."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def find_rules(
    names: "TrackNames",
    *,
    per_artist: int | None,
    exclude: Sequence[tuple[str, str]],
    exclude_artists: Sequence[str],
    exclude_file: Path | None,
    only_artists: Sequence[str],
    only_file: Path | None,
) -> "Rules":
    """The rules; tracks of files that are unknown are reported and have no effect.

    Raises ClickException: a name of the command line is unknown, or nothing would be left. SourceError: a file cannot
    be read.
    """
    from rec_assets.core.promoted.named_rules import NamedRules, unknown_artist_sentence
    from rec_assets.serving.answer import unknown_sentence

    excluded, only = (read_tracks(file) if file else [] for file in (exclude_file, only_file))
    named = NamedRules(per_artist, [*excluded, *exclude], exclude_artists, only, only_artists)
    # Other spellings of the many tracks of a file would take long to look for.
    found = named.find(lambda *pair: names.find(*pair, spelling=pair in exclude), names.find_artist)
    unknown = [unknown_sentence(one, printable_track) for one in found.unknown_tracks if one.asked in exclude]
    unknown += [unknown_artist_sentence(one, printable) for one in found.unknown_artists]
    if unknown:
        raise click.ClickException("\n".join(unknown))
    if found.unknown_tracks:
        first = unknown_sentence(names.find(*found.unknown_tracks[0].asked), printable_track)
        counted = f"{len(found.unknown_tracks):,} tracks of --exclude-file and --only-file are not known"
        click.echo(f"{counted} and have no effect; the first: {first}", err=True)
    if found.allow_nothing:
        raise click.ClickException(f"{only_file}: the model knows none of its tracks. Name one that it knows.")
    return found.rules
