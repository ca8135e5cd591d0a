"""Rows in JSON: one record per line, or a list of records anywhere in one document; with what they hold inside.

So are written: slices of the Million Playlist Dataset (https://www.aicrowd.com/challenges/spotify-million-playlist-
dataset-challenge), the streaming history and the playlists that Spotify gives its users, and listens of ListenBrainz
(https://listenbrainz.readthedocs.io, "JSON documentation"). A field inside a field is a column with a dot in its name;
a record with a list of tracks is a row for each of them.
"""

import io
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from typing import Any

import ijson
import pyarrow as pa

from rec_assets.core.base.errors import SourceError
from rec_assets.core.playlists.readers.bounded_json import BoundedJson
from rec_assets.core.playlists.readers.columns import Layout, find_columns, schema_of
from rec_assets.core.playlists.readers.files import SourceFile
from rec_assets.core.playlists.readers.lines import blocks_of_lines
from rec_assets.core.playlists.readers.settings import SourceFormat, SourceSettings

_LISTS = ("tracks", "items", "songs", "tracklist", "track_list", "sequence")
_LOOKED_AT, _AT_ONCE = 500, 10_000
_DEEPEST = 2  # fields inside fields inside fields say more about a track than a playlist needs
_EVENTS = 100_000  # among which the list of records begins
# Number of a line or record, its columns by name, and what is wrong with it.
_Row = tuple[int, Mapping[str, Any], str | None]


def inspect(file: SourceFile, head: bytes, settings: SourceSettings) -> Layout:
    """How ``file``, which begins with ``head``, is written.

    Raises SourceError: it is not JSON, or holds no list of records.
    """
    names: dict[str, None] = {}
    place = _place_of_records(file, head)
    for _, columns, _ in islice(_rows(file, place), _LOOKED_AT):
        names |= dict.fromkeys(name for name in columns if name)
    if not names:
        raise _no_records(file)
    found = find_columns(file, list(names), settings.columns, settings.order_column)
    return Layout(SourceFormat.json, found, records=place)


def batches(file: SourceFile, layout: Layout) -> Iterator[pa.RecordBatch]:
    """The rows; a line that is not JSON, or a record that is no object, is one row with its fault.

    Raises SourceError: the document breaks off, or a line never ends.
    """
    own, schema, place = layout.columns.own(), schema_of(layout.columns), 0
    rows = _rows(file, layout.records)
    while some := list(islice(rows, _AT_ONCE)):
        columns = [
            [number for number, *_ in some],
            range(place, place + len(some)),
            *([_text(columns.get(name)) for _, columns, _ in some] for name in own.values()),
            [columns.get("") for _, columns, _ in some],
            [fault for *_, fault in some],
        ]
        yield pa.record_batch([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)
        place += len(some)


def _place_of_records(file: SourceFile, head: bytes) -> str | None:
    """Where the records are, as ijson names it; None: one on each line."""
    first = _object(head.lstrip().split(b"\n", 1)[0])
    if first is not None and not any(_is_records(value) for name, value in first.items() if name not in _LISTS):
        return None
    with _as_json(file), file.open() as stream:
        for prefix, event, _ in islice(ijson.parse(BoundedJson(file, stream)), _EVENTS):
            if event == "start_map" and (prefix == "item" or prefix.endswith(".item")):
                return prefix
    raise _no_records(file)


def _no_records(file: SourceFile) -> SourceError:
    return SourceError(
        f"{file} is JSON without a list of records; expected one record per line, or a list of them. Set `source` to "
        "files of playlists or plays, or move it elsewhere."
    )


def _object(line: bytes) -> dict[str, Any] | None:
    """The JSON object in ``line``, if that is what it holds."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _is_records(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and isinstance(value[0], dict)


def _rows(file: SourceFile, place: str | None) -> Iterator[_Row]:
    for number, record in _lines(file) if place is None else _items(file, place):
        if isinstance(record, dict):
            yield from ((number, columns, None) for columns in _expanded(record))
        else:
            shown = record.decode("utf-8", "backslashreplace") if isinstance(record, bytes) else repr(record)
            yield number, {"": shown.strip("\r\n")}, "no JSON object"


def _lines(file: SourceFile) -> Iterator[tuple[int, Any]]:
    whole = (line for block in blocks_of_lines(file, 0) for line in io.BytesIO(block))
    for number, line in enumerate(whole, start=1):
        if line.strip():
            found = _object(line)
            yield number, line if found is None else found


def _items(file: SourceFile, place: str) -> Iterator[tuple[int, Any]]:
    with _as_json(file), file.open() as stream:
        yield from enumerate(ijson.items(BoundedJson(file, stream), place, use_float=True), start=1)


@contextmanager
def _as_json(file: SourceFile) -> Iterator[None]:
    """A block that parses ``file``. Raises SourceError: it is no JSON, or breaks off."""
    try:
        yield
    except ijson.JSONError as error:
        said = str(error).splitlines()[0] if str(error) else "it breaks off"
        raise SourceError(
            f"{file} is not whole JSON: {said}. Write or download it again, or set `format` if it is another kind of "
            "file."
        ) from error


def _expanded(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The columns of a record, once for each entry of its list of tracks if it has one."""
    name = next((name for name in _LISTS if isinstance(record.get(name), list)), None)
    if name is None:
        yield _flat(record)
        return
    outside = {f"playlist.{key}": value for key, value in _flat({**record, name: None}).items()}
    for entry in record[name]:
        yield {**outside, **(_flat(entry) if isinstance(entry, dict) else {"track": entry})}


def _flat(record: Mapping[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in record.items():
        if isinstance(value, dict) and depth < _DEEPEST - 1:
            flat |= _flat(value, f"{prefix}{name}.", depth + 1)
        else:
            flat[prefix + name] = value
    return flat


def _text(value: Any) -> str | None:
    """One text for each scalar, and for a list of names; None for anything else."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()  # half a surrogate pair is no text
        case bool() | int():
            return str(value)
        case float():
            return str(int(value)) if value.is_integer() else str(value)
        case [*values] if values:
            names = [_text(one.get("name") if isinstance(one, dict) else one) for one in values]
            return ", ".join(filter(None, names)) or None
    return None
