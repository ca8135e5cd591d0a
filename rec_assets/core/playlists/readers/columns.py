"""The columns of a playlist file, by the names that files have for them."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from rapidfuzz import fuzz

from rec_assets.core.base.errors import SourceError
from rec_assets.core.playlists.readers.files import SourceFile, name_files
from rec_assets.core.playlists.readers.settings import SourceFormat

# The names under which each column is found, without case, spaces, quotes and underscores, the likeliest first. Those
# with a dot are fields inside fields of JSON records.
COLUMN_NAMES = {
    "row_id": ("rowid",),
    "user_id": ("userid", "user", "username", "listener", "listenerid", "owner", "ownerid", "account", "memberid"),
    "playlist": (
        *("playlist", "playlistid", "playlisturi", "pid", "playlist.pid", "playlist.id", "playlistname"),
        *("playlisttitle", "sessionid", "session", "playlist.uri", "playlist.name", "playlist.title", "basketid"),
    ),
    "artist": (
        *("artist", "artistname", "artistname(s)", "artists", "artistnames", "artist(s)", "trackartist", "performer"),
        *("mastermetadataalbumartistname", "creator", "band"),
    ),
    "track": (
        *("track", "trackname", "tracktitle", "title", "song", "songname", "songtitle", "mastermetadatatrackname"),
        *("trackid", "trackuri", "songid", "itemid", "item", "productid", "name"),
        *("tracks", "tracknames", "trackids", "trackuris", "songs", "items", "sequence", "tracklist"),
    ),
}
# When a track was played, and where it stands or when it was put there: what can order a playlist.
PLAYED_AT = (
    *("playedat", "listenedat", "timestamp", "ts", "time", "endtime", "utctime", "uts", "datetime", "date"),
    *("eventtime", "starttime", "createdat"),
)
PLACED = ("position", "pos", "trackposition", "trackno", "tracknumber", "index", "addedat", "dateadded", "addeddate")
FILE, FOLDER = "$file", "$folder"
_FROM_PATH = (FILE, FOLDER)
_WHOLE_NAME_ONLY = {"name", "title", "id", "date"}  # inside another field they mean something else
_ALIKE, _LIKENED = 75, 4  # a share of letters, in names that have so many
_SETTINGS = {"ordered_by": "order"}
_LIKE_A_VALUE = re.compile(r"\s*|[-+\d.,:TZ/ ]+")  # empty, a number, or a time: not the name of a column


def plain_name(name: str) -> str:
    """``name`` without case, spaces, quotes and underscores, by which names of columns are compared."""
    return re.sub(r"[\s\"'`_\u200b\ufeff-]", "", unicodedata.normalize("NFKC", name).casefold())


@dataclass(frozen=True)
class FoundColumns:
    """What was found among the ``names`` of a file's columns.

    Attributes:
        names: all columns of the file, in order.
        by: standard name to the file's name, or to ``$file`` or ``$folder``; among the standard names are
            ``played_at``, ``placed`` and ``ordered_by``, columns that order the rows.
        missing: columns that the settings name and the file does not have, by standard name.
    """

    names: Sequence[str]
    by: Mapping[str, str]
    missing: Mapping[str, str] = field(default_factory=dict)

    def own(self) -> dict[str, str]:
        """Those of ``by`` that are columns of the file."""
        return {standard: name for standard, name in self.by.items() if name not in _FROM_PATH}


def find_columns(file: SourceFile, names: Sequence[str], columns: Mapping[str, str], order: str = "") -> FoundColumns:
    """The columns of ``file``; ``columns`` and ``order`` say which, where a user does.

    Raises SourceError: two columns of the file have the same name, and it is one that is read.
    """
    asked = {**columns, **({"ordered_by": order} if order else {})}
    by = {standard: found for standard, name in asked.items() if (found := _same_name(names, name))}
    usual = {**COLUMN_NAMES, "played_at": PLAYED_AT, "placed": PLACED}
    for standard, known in usual.items():
        free = [name for name in names if name not in by.values()]
        if standard not in asked and (found := _first_known(free, known)):
            by[standard] = found
    twice = [name for name in by.values() if list(names).count(name) > 1]
    if twice:
        raise SourceError(f"{file} has more than one column {twice[0]!r}. Rename or remove all but one of them.")
    return FoundColumns(names, by, {standard: name for standard, name in asked.items() if standard not in by})


def _same_name(names: Sequence[str], asked: str) -> str | None:
    if asked in _FROM_PATH or asked in names:
        return asked
    return next((name for name in names if plain_name(name) == plain_name(asked)), None)


def _first_known(names: Sequence[str], known: Sequence[str]) -> str | None:
    plain = {name: plain_name(name) for name in names}
    last = {name: inner.rpartition(".")[2] for name, inner in plain.items() if "." in inner}
    whole = [(known.index(inner), name) for name, inner in plain.items() if inner in known]
    inside = [(known.index(i), n) for n, i in last.items() if i in known and i not in _WHOLE_NAME_ONLY]
    return min(whole or inside, key=lambda found: found[0], default=(0, None))[1]


def require_columns(found: Mapping[SourceFile, FoundColumns], *, is_history: bool) -> None:
    """Every file has what a row needs: a track, and, unless it ``is_history``, a playlist.

    Raises SourceError: a file lacks some, or a column that the settings name; all that are missing are named at once.
    """
    for file, columns in found.items():
        lacking = dict(columns.missing)
        if "track" not in columns.by:
            lacking.setdefault("track", "")
        if not is_history and "playlist" not in columns.by:
            lacking.setdefault("playlist", "")
        if lacking:
            raise SourceError(_explained(file, columns, lacking, others=[one for one in found if one != file]))


def _explained(
    file: SourceFile, columns: FoundColumns, lacking: Mapping[str, str], others: Sequence[SourceFile]
) -> str:
    said = [f"no column {name!r} for `{_SETTINGS.get(one, one)}`" for one, name in lacking.items() if name]
    unnamed = [f"`{standard}`" for standard, name in lacking.items() if not name]
    said += [f"no column for {' and '.join(unnamed)}"] if unnamed else []
    remedies = [*_by_name(columns, lacking), *_by_other_means(columns, lacking)]
    if others:
        remedies.append(f"if it holds no playlists, set `source` to the others, such as {name_files(others)}")
    shown = ", ".join(map(repr, columns.names[:30]))
    return f"{file} has {' and '.join(said)}; it has {shown}. {_sentence(remedies)}."


def _sentence(remedies: Sequence[str]) -> str:
    text = "; ".join(remedies)
    return text[0].upper() + text[1:]


def _by_name(columns: FoundColumns, lacking: Mapping[str, str]) -> list[str]:
    """The setting `columns` with the likeliest names, or `header` where the names are no names."""
    free = [name for name in columns.names if name not in [columns.by.get(standard) for standard in COLUMN_NAMES]]
    remedies, likely = [], {}
    for standard, asked in lacking.items():
        known = [plain_name(asked)] if asked else [one for one in COLUMN_NAMES[standard] if len(one) >= _LIKENED]
        scores = [(max(fuzz.ratio(plain_name(name), one) for one in known), name) for name in free if known]
        score, near = max(scores, default=(0, ""))
        near = near if score >= _ALIKE else ""
        if near:
            likely[standard] = near
    if "ordered_by" in lacking:
        near = likely.pop("ordered_by", "")
        remedies.append(f"set `order: {near}`" if near else "set `order` to one of its columns, or leave it out")
    wanted = [standard for standard in lacking if standard != "ordered_by"]
    if wanted and not columns.own() and any(_LIKE_A_VALUE.fullmatch(name) for name in columns.names):
        count = len(columns.names)
        if count == 1:
            return ["write a row for each track, with commas, semicolons, tabs or bars between its columns"]
        return [
            f"if its first line is a row already, set `header` to a list of names, one for each of its {count} columns"
        ]
    if wanted:
        given = ", ".join(f"{one}: {_yaml_text(likely[one]) if one in likely else 'NAME'}" for one in wanted)
        known = all(one in likely for one in wanted)
        remedies.append(f"set `columns: {{{given}}}`" + ("" if known else " with the right names in place of NAME"))
    return remedies


def _by_other_means(columns: FoundColumns, lacking: Mapping[str, str]) -> list[str]:
    if lacking != {"playlist": ""}:
        return []
    if "user_id" in columns.by:
        return [
            f"if all rows of a user are one playlist, set `columns: {{playlist: {_yaml_text(columns.by['user_id'])}}}`"
        ]
    return ["if each file is one playlist, set `columns: {playlist: $file}`"]


def _yaml_text(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True)
class Layout:
    """How a file is written.

    Attributes:
        format, columns: what they are called.
        delimiter: what stands between the columns of a CSV file.
        header_lines: of a text file.
        records: where the records of a JSON document are, as ijson names it; None = one on each line.
    """

    format: SourceFormat
    columns: FoundColumns
    delimiter: str = ""
    header_lines: int = 0
    records: str | None = None


def schema_of(columns: FoundColumns) -> pa.Schema:
    """Of the batches that text readers give: one text column per column that is read."""
    own = [(standard, pa.string()) for standard in columns.own()]
    numbers = [("line_number", pa.int64()), ("place", pa.int64())]
    return pa.schema([*numbers, *own, ("text", pa.string()), ("fault", pa.string())])
