"""The kinds of file in the store: table, embeddings, recommender, ranker, figures, page; each holds its lineage."""

from pathlib import Path
from typing import Any, Protocol

import duckdb

from rec_assets.core.base.errors import UnreadableError
from rec_assets.core.base.lineage import LINEAGE_KEY, Lineage
from rec_assets.core.base.relations import Connection, Relation, read_table
from rec_assets.core.base.seal import UNSEALED, seal
from rec_assets.core.base.tensor_file import read_layout
from rec_assets.core.ranker import Ranker, from_document, to_document
from rec_assets.core.recommender import Recommender, open_recommender, save_recommender
from rec_assets.core.report import HtmlPage
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.core.vectors.embeddings_file import open_embeddings, save_embeddings
from rec_assets.store.sealed_json import read_json, write_json
from rec_assets.store.table_file import read_notes, write_table


class Format(Protocol):
    """How values of one type are written to one local file, and read from one whose bytes were checked.

    Reading raises UnreadableError where the file is of another kind.
    """

    suffix: str

    def write(self, value: Any, path: Path, lineage: Lineage) -> None: ...  # noqa: D102
    def read(self, path: Path, connection: Connection) -> Any: ...  # noqa: D102
    def read_lineage(self, path: Path) -> Lineage: ...  # noqa: D102


class TableFormat:
    """A lazy relation, streamed to parquet and read back lazily."""

    suffix = ".parquet"

    def write(self, value: Relation, path: Path, lineage: Lineage) -> None:
        """Run the relation once, and stream its rows to ``path`` in their order."""
        write_table(value, path, {LINEAGE_KEY: lineage.to_json()})

    def read(self, path: Path, connection: Connection) -> Relation:
        """A lazy relation over ``path``."""
        return read_table(connection, path)

    def read_lineage(self, path: Path) -> Lineage:
        """The lineage in the parquet footer."""
        return _lineage_in(read_notes(path))


class _TensorFormat:
    suffix = ".safetensors"

    def read_lineage(self, path: Path) -> Lineage:
        """The lineage in the file's header."""
        return _lineage_in(read_layout(path).header.get("notes", {}))


class EmbeddingsFormat(_TensorFormat):
    """Track embeddings, as a file of tensors that is mapped into memory."""

    def write(self, value: TrackEmbeddings, path: Path, lineage: Lineage) -> None:
        """Write the vectors of both sides."""
        save_embeddings(value, path, {LINEAGE_KEY: lineage.to_json()})

    def read(self, path: Path, connection: Connection) -> TrackEmbeddings:
        """The embeddings, mapped from the file."""
        return open_embeddings(path)


class RecommenderFormat(_TensorFormat):
    """A fitted recommender, as a file of tensors that is mapped into memory."""

    def write(self, value: Recommender, path: Path, lineage: Lineage) -> None:
        """Write all fitted strategies."""
        save_recommender(value, path, {LINEAGE_KEY: lineage.to_json()})

    def read(self, path: Path, connection: Connection) -> Recommender:
        """The recommender, mapped from the file."""
        return open_recommender(path)[0]


class _JsonFormat:
    suffix = ".json"

    def read_lineage(self, path: Path) -> Lineage:
        """The lineage beside the figures."""
        return Lineage.from_document(read_json(path).get("lineage"))


class FiguresFormat(_JsonFormat):
    """A dictionary of figures and settings, as JSON for people and programs, its lineage beside the figures."""

    def write(self, value: dict, path: Path, lineage: Lineage) -> None:
        """Write ``value`` with its lineage beside the figures."""
        write_json({**value, "lineage": lineage.as_document()}, path)

    def read(self, path: Path, connection: Connection) -> dict:
        """The figures, without the lineage."""
        return {name: value for name, value in read_json(path).items() if name != "lineage"}


class RankerFormat(_JsonFormat):
    """A trained ranker, as JSON like the figures, with its trees as LightGBM's text."""

    def write(self, value: Ranker, path: Path, lineage: Lineage) -> None:
        """Write the trees with what they were trained on."""
        FiguresFormat().write(to_document(value), path, lineage)

    def read(self, path: Path, connection: Connection) -> Ranker:
        """The ranker."""
        return from_document(FiguresFormat().read(path, connection))


class PageFormat:
    """A page of HTML, which opens without a network; its lineage is a data block, which no browser runs."""

    suffix = ".html"
    _START, _END = '<script type="application/json" id="lineage">', "</script>"

    def write(self, value: HtmlPage, path: Path, lineage: Lineage) -> None:
        """Write the page with its lineage and the checksum at the end of its body."""
        # A "<" in a name must not end the block.
        block = self._START + lineage.to_json().replace("<", "\\u003c") + self._END
        head, end, tail = value.html.rpartition("</body>")
        path.write_text(f"{head}{block}\n<!-- {UNSEALED} -->\n{end}{tail}", encoding="utf-8")
        seal(path)

    def read(self, path: Path, connection: Connection) -> HtmlPage:
        """The page, without the lineage."""
        head, _, tail = self._parts(path)
        return HtmlPage(head + tail.partition("-->\n")[2])

    def read_lineage(self, path: Path) -> Lineage:
        """The lineage in the page."""
        return Lineage.from_json(self._parts(path)[1])

    def _parts(self, path: Path) -> tuple[str, str, str]:
        try:
            head, start, rest = path.read_text(encoding="utf-8").rpartition(self._START)
        except UnicodeDecodeError as error:
            raise UnreadableError(f"is no page of this package ({error})") from error
        block, end, tail = rest.partition(self._END)
        if not start or not end:
            raise UnreadableError("is no page of this package: it has no lineage")
        return head, block, tail


def _lineage_in(notes: Any) -> Lineage:
    if LINEAGE_KEY not in notes:
        raise UnreadableError("has no lineage: it is no file of this package")
    return Lineage.from_json(notes[LINEAGE_KEY])


FORMATS: dict[type, Format] = {
    duckdb.DuckDBPyRelation: TableFormat(),
    TrackEmbeddings: EmbeddingsFormat(),
    Recommender: RecommenderFormat(),
    dict: FiguresFormat(),
    Ranker: RankerFormat(),
    HtmlPage: PageFormat(),
}


def format_of(value_type: Any) -> Format:
    """The format for values of ``value_type``.

    Raises:
        TypeError: an asset is annotated with a type that has no format.
    """
    if value_type not in FORMATS:
        known = ", ".join(known.__name__ for known in FORMATS)
        raise TypeError(f"no file format for {value_type!r}; annotate the asset with one of {known}")
    return FORMATS[value_type]
