"""``rec-assets recommend``: what the promoted model recommends after a few tracks."""

import csv
import json
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rec_assets.serving.command import errors_as_messages, printable, storage_option

if TYPE_CHECKING:
    from rec_assets.core.names.search import Found
    from rec_assets.core.names.track_names import TrackNames
    from rec_assets.core.promoted.recommendations import Because, Recommendation

_MOST_TRACKS = 10_000
_HEADERS = (["artist", "track"], ["track"])


@click.command()
@click.argument("names", nargs=-1, metavar="[ARTIST TRACK]...")
@click.option(
    "--playlist",
    type=click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path),
    help="CSV file of artist,track lines in order, or of titles alone below the header `track`; the tracks named on "
    "the command line follow them.",
)
@click.option("-k", "count", default=10, show_default=True, type=click.IntRange(1, 1_000), help="Tracks recommended.")
@click.option("--why", is_flag=True, help="Say which of the tracks speak for each recommendation.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")
@storage_option
def recommend(
    names: tuple[str, ...], playlist: Path | None, count: int, why: bool, as_json: bool, storage: str
) -> None:
    """Recommends tracks after ARTIST TRACK (several pairs make a playlist, the last one counts most).

    Spelling need not be exact: what was taken for what is printed to stderr. "" as ARTIST asks for a track
    without artist. Exit code 1: a track is unknown, or no model is promoted; 2: wrong usage.
    """
    if len(names) % 2:
        raise click.UsageError(
            f"expected pairs of ARTIST and TRACK, found {len(names)} names. Quote names with spaces; a track without "
            'artist is asked for by rec-assets recommend "" TRACK'
        )
    pairs = list(zip(names[::2], names[1::2], strict=True))
    if not all((artist + title).strip() for artist, title in pairs):
        raise click.UsageError("a pair has neither ARTIST nor TRACK. Name at least one of both.")
    asked = [*(_read_playlist(playlist) if playlist else []), *pairs]
    if not 1 <= len(asked) <= _MOST_TRACKS:
        raise click.UsageError(f"expected 1 to {_MOST_TRACKS:,} tracks, found {len(asked)}. Name ARTIST TRACK pairs.")
    from rec_assets.core.promoted.recommendations import recommend_after  # numpy and numba: not for --help
    from rec_assets.store.promoted_models import PromotedModels

    with errors_as_messages():
        with tempfile.TemporaryDirectory() as scratch:
            model = PromotedModels(storage, Path(scratch)).open_current()
        history = _found(model.names, asked, optional=len(asked) - len(pairs))
        found = recommend_after(model, history, k=count, reasons=why)
    click.echo(_as_json(model.facts, found) if as_json else _as_table(found))


def _read_playlist(path: Path) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    columns = None
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            for row in filter(None, reader):
                fields = [field.strip() for field in row]
                if columns is None:
                    header = [field.casefold() for field in fields]
                    columns = header if sorted(header) in _HEADERS else ["artist", "track"]
                    if columns is header:
                        continue
                if len(fields) != len(columns) or not any(fields):
                    raise click.ClickException(_misread(path, reader.line_num, row, columns))
                named = dict(zip(columns, fields, strict=True))
                pairs.append((named.get("artist", ""), named["track"]))
    except (UnicodeDecodeError, csv.Error) as error:
        raise click.ClickException(f"{path}: {error}. Save it as CSV in UTF-8, a line artist,track each.") from error
    return pairs


def _misread(path: Path, line: int, row: list[str], columns: list[str]) -> str:
    if len(row) == len(columns):
        return f"{path}, line {line} names neither artist nor track. Delete it, or name at least one of both."
    remedy = "A file of titles alone needs `track` as its first line."
    if len(row) > 1:
        remedy = "Quote names that hold a comma."
    return f"{path}, line {line}: expected {','.join(columns)}, found {len(row)} fields: {row}. {remedy}"


def _found(names: "TrackNames", asked: Sequence[tuple[str, str]], *, optional: int) -> list[int]:
    """The track index of each pair; unknown ones among the first ``optional`` are reported and left out.

    Raises ClickException: another track is unknown, or all are.
    """
    tracks, unknown = [], []
    for number, (artist, title) in enumerate(asked):
        found = names.find(artist, title)
        if found.track is None:
            unknown.append(_unknown(found))
            if number >= optional:
                raise click.ClickException(unknown[-1])
            continue
        tracks.append(found.track)
        if not found.is_exact:
            taken = _name(*names.name_of(found.track))
            click.echo(f"{_name(artist, title)}: taken for {taken}", err=True)
    if not tracks:
        raise click.ClickException("\n".join(unknown))
    for message in unknown:
        click.echo(f"left out: {message}", err=True)
    return tracks


def _unknown(found: "Found") -> str:
    near = "".join(f"\n    {_name(one.artist, one.title)}" for one in found.near)
    return f"no track {_name(*found.asked)}." + (f" Did you mean{near}" if near else " Nothing is spelt like it.")


def _name(artist: str | None, title: str | None) -> str:
    from rec_assets.core.playlists.catalog import track_name

    return printable(track_name(artist, title))


def _as_json(facts: dict, found: "list[Recommendation]") -> str:
    document = {"version": facts["version"], "recommendations": [asdict(one) for one in found]}
    return json.dumps(document, indent=2, ensure_ascii=False)


def _as_table(found: "list[Recommendation]") -> str:
    lines = []
    for one in found:
        score = "" if one.score is None else f"{one.score:8.3f}"
        lines.append(f"{one.rank:4}. {score:8}  {_name(one.artist, one.track)}")
        lines += [f"{'':16}{_because(reason)}" for reason in one.because]
    return "\n".join(lines)


def _because(reason: "Because") -> str:
    known = [] if reason.playlists is None else [f"{reason.playlists:,} playlists in common"]
    known += [] if reason.similarity is None else [f"similarity {reason.similarity:.2f}"]
    return f"with {_name(reason.artist, reason.track)}: {', '.join(known)}"
