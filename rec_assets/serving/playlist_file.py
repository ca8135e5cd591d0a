"""The tracks of a file that a question names: lines of artist,track, or one playlist of any export that is read."""

import csv
import tempfile
from collections import Counter
from pathlib import Path

import click

from rec_assets.core.base.errors import SourceError
from rec_assets.paths import memory_limit
from rec_assets.serving.command import printable

FILE = click.Path(exists=True, dir_okay=False, resolve_path=True, path_type=Path)
_HEADERS = (["artist", "track"], ["track"])
_PLAYLISTS_NAMED = 10
_EXPECTED = "Write a line artist,track for each track, or give an export that docs/your-playlists.md names."


def read_playlist(path: Path, name: str | None) -> tuple[str, list[tuple[str, str]]]:
    """The name of the playlist of ``path``, "" where it has none, and artist and track of each of its tracks in order.

    A missing artist or track is "". Of several playlists it is the one called ``name``.

    Raises SourceError: the file cannot be read, or it holds several playlists, and ``name`` is none of them.
    """
    if _is_export(path):
        return _of_export(path, name)
    if name is not None:
        raise SourceError(f"{path} holds lines of artist,track and names no playlists. Leave out --playlist-name.")
    return "", _of_lines(path)


def read_tracks(path: Path) -> list[tuple[str, str]]:
    """Artist and track of each track of all playlists of ``path``. Raises SourceError: the file cannot be read."""
    return _of_export(path, None, whole=True)[1] if _is_export(path) else _of_lines(path)


def _is_export(path: Path) -> bool:
    """Whether ``path`` is anything else than lines of artist,track, with or without a heading, or titles with one."""
    from rec_assets.core.playlists.readers import delimited  # duckdb and more: not for a question without a file
    from rec_assets.core.playlists.readers.files import GZIP, ZIP, SourceFile
    from rec_assets.core.playlists.readers.kinds import HEAD_BYTES, detect_format
    from rec_assets.core.playlists.readers.settings import SourceFormat, SourceSettings

    file = SourceFile(path)
    with file.path.open("rb") as packed:
        if packed.read(len(ZIP)).startswith((GZIP, ZIP)):
            return True
    with file.open() as stream:
        head = stream.read(HEAD_BYTES)
    if not head.strip():
        raise SourceError(f"{file} is empty. {_EXPECTED}")
    if detect_format(file, head, SourceFormat.auto) is not SourceFormat.csv:
        return True
    layout = delimited.inspect(file, head, SourceSettings())
    columns = layout.columns
    if layout.delimiter == "," and sorted(name.strip().casefold() for name in columns.names) in _HEADERS:
        return False
    # "Goo Goo Dolls,Name" is a track, though files call their titles Name.
    return "track" in columns.by and (len(columns.by) > 1 or len(columns.names) == 1)


def _of_export(path: Path, name: str | None, *, whole: bool = False) -> tuple[str, list[tuple[str, str]]]:
    """Name and tracks of the playlist ``name``, or of the only one; the tracks of all playlists if ``whole``."""
    from rec_assets.core.base.relations import connect_spilling, sql_text
    from rec_assets.core.playlists.readers.files import Located, SourceFile, open_archives
    from rec_assets.core.playlists.readers.settings import SourceSettings
    from rec_assets.core.playlists.readers.staging import stage_playlists

    files, _ = open_archives(Located([SourceFile(path)]))
    with (
        tempfile.TemporaryDirectory() as scratch,
        connect_spilling(memory_limit(), Path(scratch)) as connection,
    ):
        staged = stage_playlists(connection, files, SourceSettings(), Path(scratch), one_each=True)
        for note in staged.notes:
            click.echo(f"{path}: {note}.", err=True)
        if staged.reject_count:
            reason, _, file, line = staged.commonest_reasons()[0]
            counted = f"{staged.reject_count:,} rows cannot be read and are left out"
            click.echo(f"{counted}; the first: {file} line {line}, {reason}.", err=True)
        names = "coalesce(artist, ''), coalesce(track, '')"
        if whole:
            return "", staged.rows.select(names).distinct().fetchall()
        found = staged.rows.aggregate("user_id, playlist, min(row_id) AS first", "user_id, playlist").order("first")
        user, playlist = _chosen(path, found.select("user_id, playlist").fetchall(), name)
        is_user = "user_id IS NULL" if user is None else f"user_id = {sql_text(user)}"
        own = staged.rows.filter(f"{is_user} AND playlist = {sql_text(playlist)}").order("row_id")
        return playlist, own.select(names).fetchall()


def _chosen(path: Path, playlists: list[tuple[str | None, str]], name: str | None) -> tuple[str | None, str]:
    """The only one of ``playlists``, of user and name, or that which is called ``name``."""
    times = Counter(playlist for _, playlist in playlists)
    called = {
        (playlist if times[playlist] == 1 else f"{playlist} of {user}"): (user, playlist)
        for user, playlist in playlists
    }
    if name is None and len(called) == 1:
        return playlists[0]
    shown = {printable(one): one for one in called}
    if name in called or name in shown:
        return called[name if name in called else shown[name]]
    listed = "".join(f"\n    {one}" for one in list(shown)[:_PLAYLISTS_NAMED])
    more = f"\n    and {len(called) - _PLAYLISTS_NAMED:,} more" if len(called) > _PLAYLISTS_NAMED else ""
    wrong = "Choose one by --playlist-name" if name is None else f"None is called {name!r}; choose one by its name"
    raise SourceError(f"{path} holds {len(called):,} playlists. {wrong}:{listed}{more}")


def _of_lines(path: Path) -> list[tuple[str, str]]:
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
                    raise SourceError(_misread(path, reader.line_num, row, columns))
                named = dict(zip(columns, fields, strict=True))
                pairs.append((named.get("artist", ""), named["track"]))
    except (UnicodeDecodeError, csv.Error) as error:
        raise SourceError(f"{path}: {error}. Save it as CSV in UTF-8, a line artist,track each.") from error
    if not pairs:
        raise SourceError(f"{path} holds a heading and no track. {_EXPECTED}")
    return pairs


def _misread(path: Path, line: int, row: list[str], columns: list[str]) -> str:
    if len(row) == len(columns):
        return f"{path}, line {line} names neither artist nor track. Delete it, or name at least one of both."
    remedy = "A file of titles alone needs `track` as its first line."
    if len(row) > 1:
        remedy = "Quote names that hold a comma."
    return f"{path}, line {line}: expected {','.join(columns)}, found {len(row)} fields: {row}. {remedy}"
