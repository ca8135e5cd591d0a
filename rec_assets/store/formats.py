"""The kinds of file in the store: table, embeddings, recommender, ranker, figures, page; each holds its lineage."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from rec_assets.core.base.errors import UnreadableError
from rec_assets.core.base.lineage import LINEAGE_KEY, Lineage
from rec_assets.core.base.relations import Connection, read_table
from rec_assets.core.base.seal import UNSEALED, read_json, seal, write_json
from rec_assets.core.base.tensor_file import read_layout
from rec_assets.core.ranker.learned import Ranker, from_document, to_document
from rec_assets.core.recommender.recommender import Recommender, open_recommender, save_recommender
from rec_assets.core.report.page import HtmlPage
from rec_assets.core.vectors.embeddings import TrackEmbeddings, open_embeddings, save_embeddings
from rec_assets.store.table_file import read_notes, write_table


@dataclass(frozen=True)
class Format:
    """How values of one type are written to one local file, and read from one whose bytes were checked.

    Reading raises UnreadableError where the file is of another kind.

    Attributes:
        suffix: of the file's name; formats with the same one keep their lineage in the same place.
        write: takes the value, the path, and the lineage that goes into the file.
        read: a table is read lazily, tensors are mapped into memory; the connection is for tables.
        read_lineage: reads the lineage alone.
    """

    suffix: str
    write: Callable[[Any, Path, Lineage], None]
    read: Callable[[Path, Connection], Any]
    read_lineage: Callable[[Path], Lineage]


def _notes(lineage: Lineage) -> dict[str, str]:
    return {LINEAGE_KEY: lineage.to_json()}


def _lineage_in(notes: Any) -> Lineage:
    if LINEAGE_KEY not in notes:
        raise UnreadableError("has no lineage: it is no file of this package")
    return Lineage.from_json(notes[LINEAGE_KEY])


def _table_format() -> Format:
    return Format(
        ".parquet",
        lambda value, path, lineage: write_table(value, path, _notes(lineage)),
        lambda path, connection: read_table(connection, path),
        lambda path: _lineage_in(read_notes(path)),
    )


def _tensor_format(save: Callable[[Any, Path, dict[str, str]], None], open_file: Callable[[Path], Any]) -> Format:
    return Format(
        ".safetensors",
        lambda value, path, lineage: save(value, path, _notes(lineage)),
        lambda path, connection: open_file(path),
        lambda path: _lineage_in(read_layout(path).header.get("notes", {})),
    )


def _json_format(to_json: Callable[[Any], dict], from_json: Callable[[dict], Any]) -> Format:
    """JSON for people and programs, with the lineage beside the figures."""

    def write(value: Any, path: Path, lineage: Lineage) -> None:
        write_json({**to_json(value), "lineage": lineage.as_document()}, path)

    def read(path: Path, connection: Connection) -> Any:
        return from_json({name: value for name, value in read_json(path).items() if name != "lineage"})

    return Format(".json", write, read, lambda path: Lineage.from_document(read_json(path).get("lineage")))


def _page_format() -> Format:
    """A page of HTML, which opens without a network; its lineage is a data block, which no browser runs."""
    block_start, block_end = '<script type="application/json" id="lineage">', "</script>"

    def write(value: HtmlPage, path: Path, lineage: Lineage) -> None:
        # A "<" in a name must not end the block.
        block = block_start + lineage.to_json().replace("<", "\\u003c") + block_end
        head, end, tail = value.html.rpartition("</body>")
        path.write_text(f"{head}{block}\n<!-- {UNSEALED} -->\n{end}{tail}", encoding="utf-8")
        seal(path)

    def parts(path: Path) -> tuple[str, str, str]:
        try:
            head, start, rest = path.read_text(encoding="utf-8").rpartition(block_start)
        except UnicodeDecodeError as error:
            raise UnreadableError(f"is no page of this package ({error})") from error
        block, end, tail = rest.partition(block_end)
        if not start or not end:
            raise UnreadableError("is no page of this package: it has no lineage")
        return head, block, tail

    def read(path: Path, connection: Connection) -> HtmlPage:
        head, _, tail = parts(path)
        return HtmlPage(head + tail.partition("-->\n")[2])

    return Format(".html", write, read, lambda path: Lineage.from_json(parts(path)[1]))


FORMATS: dict[type, Format] = {
    duckdb.DuckDBPyRelation: _table_format(),
    TrackEmbeddings: _tensor_format(save_embeddings, open_embeddings),
    Recommender: _tensor_format(save_recommender, lambda path: open_recommender(path)[0]),
    dict: _json_format(dict, dict),
    Ranker: _json_format(to_document, from_document),
    HtmlPage: _page_format(),
}


def format_of(value_type: Any) -> Format:
    """The format for values of ``value_type``.

    Raises TypeError: an asset is annotated with a type that has no format.
    """
    if value_type not in FORMATS:
        known = ", ".join(known.__name__ for known in FORMATS)
        raise TypeError(f"no file format for {value_type!r}; annotate the asset with one of {known}")
    return FORMATS[value_type]
