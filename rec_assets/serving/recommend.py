"""``rec-assets recommend``: what the promoted model recommends after a few tracks."""

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rec_assets.core.base.long_lived import long_lived
from rec_assets.serving.command import errors_as_messages, printable, printable_track, storage_option
from rec_assets.serving.playlist_file import FILE, read_playlist
from rec_assets.serving.rule_options import find_rules, rule_options

if TYPE_CHECKING:
    from rec_assets.core.names.search import Found
    from rec_assets.core.names.track_names import TrackNames
    from rec_assets.core.promoted.recommendations import Because, Recommendation

_MOST_TRACKS = 10_000


@click.command()
@click.argument("names", nargs=-1, metavar="[ARTIST TRACK]...")
@click.option(
    "--playlist",
    type=FILE,
    help="File of tracks in order: lines artist,track, titles below a line `track`, or an export that training reads "
    "(CSV, JSON, parquet). Tracks named on the command line follow them.",
)
@click.option("--playlist-name", metavar="NAME", help="Which playlist, if the file holds several.")
@click.option(
    "--title",
    metavar="WORDS",
    help='What the playlist is to be called, such as "summer 2016", with tracks or with none. The name of the playlist '
    "that is read from a file unless given.",
)
@click.option("-k", "count", default=10, show_default=True, type=click.IntRange(1, 1_000), help="Tracks recommended.")
@rule_options
@click.option("--why", is_flag=True, help="Say which of the tracks speak for each recommendation.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")
@storage_option
@long_lived()
def recommend(
    names: tuple[str, ...],
    playlist: Path | None,
    playlist_name: str | None,
    title: str | None,
    count: int,
    why: bool,
    as_json: bool,
    storage: str,
    **rules: Any,
) -> None:
    """Recommends tracks that fit after ARTIST TRACK.

    Several pairs make a playlist; the last one counts most. Spelling need not be exact: what was taken for what is
    printed to stderr. "" as ARTIST asks for a track without artist. Names of tracks and artists to leave out must be
    exact up to case, accents, punctuation and spaces.
    """
    pairs = _pairs(names)
    if playlist_name is not None and playlist is None:
        raise click.UsageError("--playlist-name needs --playlist FILE.")
    with errors_as_messages():
        called, listed = read_playlist(playlist, playlist_name) if playlist else ("", [])
    title, asked = (called if title is None else title).strip(), [*listed, *pairs]
    if len(asked) > _MOST_TRACKS or not (asked or title):
        raise click.UsageError(
            f"expected 1 to {_MOST_TRACKS:,} tracks, found {len(asked)}. Name ARTIST TRACK pairs, or a --title."
        )
    from rec_assets.core.promoted.recommendations import Request, recommend_after_each  # numba: not for --help
    from rec_assets.serving.answer import answer_json, title_of
    from rec_assets.store.promoted_models import PromotedModels

    with errors_as_messages():
        with tempfile.TemporaryDirectory() as scratch:
            model = PromotedModels(storage, Path(scratch)).open_current()
        found = _found(model.names, asked, optional=len(listed))
        history = [one.track for one in found if one.track is not None]
        request = Request(history, count, why, title, find_rules(model.names, **rules))
        (recommended,) = recommend_after_each(model, [request])
        if title:
            click.echo(printable(title_of(model, title, alone=not history).note), err=True)
        if as_json:
            text = answer_json(model, found, recommended, title=title, why=why, indent=2)
        else:
            text = _as_table(model.facts["strategy"] if history else "title", recommended)
    click.echo(text)


def _pairs(names: tuple[str, ...]) -> list[tuple[str, str]]:
    """Artist and track of each. Raises UsageError."""
    if len(names) % 2:
        raise click.UsageError(
            f"expected pairs of ARTIST and TRACK, found {len(names)} names. Quote names with spaces; a track without "
            'artist is asked for by rec-assets recommend "" TRACK'
        )
    pairs = list(zip(names[::2], names[1::2], strict=True))
    if not all((artist + title).strip() for artist, title in pairs):
        raise click.UsageError("a pair has neither ARTIST nor TRACK. Name at least one of both.")
    return pairs


def _found(names: "TrackNames", asked: Sequence[tuple[str, str]], *, optional: int) -> "list[Found]":
    """The track of each pair; unknown ones among the first ``optional`` are reported and left out.

    Raises ClickException: another track is unknown, or all are.
    """
    from rec_assets.serving.answer import unknown_sentence

    known, unknown = [], []
    for number, (artist, title) in enumerate(asked):
        found = names.find(artist, title)
        if found.track is None:
            unknown.append(unknown_sentence(found, printable_track))
            if number >= optional:
                raise click.ClickException(unknown[-1])
            continue
        known.append(found)
        if not found.is_exact:
            taken = printable_track(*names.name_of(found.track))
            click.echo(f"{printable_track(artist, title)}: taken for {taken}", err=True)
    if not known and unknown:
        raise click.ClickException("\n".join(unknown))
    for message in unknown:
        click.echo(f"left out: {message}", err=True)
    return known


def _as_table(answered_by: str, recommended: "list[Recommendation]") -> str:
    if not recommended:
        return "nothing is recommended: the model knows no other track that may be."
    heading = f"{answered_by} score"
    lines = [f"rank  {heading}  artist – track"]
    for one in recommended:
        score = "popular" if one.score is None else f"{one.score:.3f}"
        lines.append(f"{one.rank:4}  {score:>{len(heading)}}  {printable_track(one.artist, one.track)}")
        lines += [f"{'':{len(heading) + 8}}{_because(reason)}" for reason in one.because]
    return "\n".join(lines)


def _because(reason: "Because") -> str:
    known = [] if reason.playlists is None else [f"{reason.playlists:,} playlists in common"]
    known += [] if reason.similarity is None else [f"similarity {reason.similarity:.2f}"]
    return f"with {printable_track(reason.artist, reason.track)}: {', '.join(known)}"
