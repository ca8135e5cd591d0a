"""The kinds of file in the store, each with its lineage inside: table, model, metrics, ranker, page."""

import json
from pathlib import Path
from typing import Any, Protocol

import duckdb

from rec_assets.core.embeddings import TrackEmbeddings
from rec_assets.core.errors import StoreError
from rec_assets.core.lineage import LINEAGE_KEY, Lineage
from rec_assets.core.model_file import load_embeddings, load_notes, save_embeddings
from rec_assets.core.ranker import Ranker, from_document, to_document
from rec_assets.core.relations import Connection, Relation, read_table
from rec_assets.core.report import HtmlPage
from rec_assets.resources.json_text import json_text
from rec_assets.resources.table_file import read_notes, remedy, verify_table, write_table


class Format(Protocol):
    """How values of one type are written to, and read from, one local file."""

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
        """A lazy relation over ``path``, whose bytes are known to be whole."""
        verify_table(path)
        return read_table(connection, path)

    def read_lineage(self, path: Path) -> Lineage:
        """The lineage in the parquet footer."""
        return Lineage.from_json(read_notes(path)[LINEAGE_KEY])


class ModelFormat:
    """Track embeddings, as a safetensors file that is mapped into memory."""

    suffix = ".safetensors"

    def write(self, value: TrackEmbeddings, path: Path, lineage: Lineage) -> None:
        """Write the vectors of both sides."""
        save_embeddings(value, path, {LINEAGE_KEY: lineage.to_json()})

    def read(self, path: Path, connection: Connection) -> TrackEmbeddings:
        """The model, its arrays mapped from the file."""
        return load_embeddings(path, verify=True)

    def read_lineage(self, path: Path) -> Lineage:
        """The lineage in the file's header."""
        return Lineage.from_json(load_notes(path)[LINEAGE_KEY])


class MetricsFormat:
    """A dictionary of figures and settings, as JSON for people and programs."""

    suffix = ".json"

    def write(self, value: dict, path: Path, lineage: Lineage) -> None:
        """Write ``value`` with its lineage beside the figures."""
        document = {**value, "lineage": json.loads(lineage.to_json())}
        path.write_text(json_text(document), encoding="utf-8")

    def read(self, path: Path, connection: Connection) -> dict:
        """The figures, without the lineage."""
        document = self._document(path)
        document.pop("lineage", None)
        return document

    def read_lineage(self, path: Path) -> Lineage:
        """The lineage beside the figures."""
        return Lineage(**self._document(path)["lineage"])

    def _document(self, path: Path) -> dict:
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise StoreError(f"{path} is not JSON ({error}). {remedy(path)}") from error
        if not isinstance(document, dict):
            raise StoreError(f"{path} holds {document!r:.80}; expected figures by name. {remedy(path)}")
        return document


class RankerFormat:
    """A trained ranker, as JSON like the metrics, with its trees as LightGBM's text."""

    suffix = ".json"

    def write(self, value: Ranker, path: Path, lineage: Lineage) -> None:
        """Write the trees with what they were trained on."""
        MetricsFormat().write(to_document(value), path, lineage)

    def read(self, path: Path, connection: Connection) -> Ranker:
        """The ranker, whose bytes are known to be whole."""
        try:
            return from_document(MetricsFormat().read(path, connection))
        except StoreError as error:
            raise StoreError(f"{path}: {error}") from error

    def read_lineage(self, path: Path) -> Lineage:
        """The lineage beside the trees."""
        return MetricsFormat().read_lineage(path)


class PageFormat:
    """A page of HTML, which opens without a network; its lineage is a data block, which no browser runs."""

    suffix = ".html"
    _START, _END = '<script type="application/json" id="lineage">', "</script>"

    def write(self, value: HtmlPage, path: Path, lineage: Lineage) -> None:
        """Write the page with its lineage at the end of its body."""
        # A "<" in a name must not end the block.
        block = self._START + lineage.to_json().replace("<", "\\u003c") + self._END
        head, end, tail = value.html.rpartition("</body>")
        path.write_text(f"{head}{block}\n{end}{tail}", encoding="utf-8")

    def read(self, path: Path, connection: Connection) -> HtmlPage:
        """The page, without the lineage."""
        head, _, tail = self._parts(path)
        return HtmlPage(head + tail.removeprefix("\n"))

    def read_lineage(self, path: Path) -> Lineage:
        """The lineage in the page."""
        return Lineage.from_json(self._parts(path)[1])

    def _parts(self, path: Path) -> tuple[str, str, str]:
        head, start, rest = path.read_text(encoding="utf-8").rpartition(self._START)
        block, end, tail = rest.partition(self._END)
        if not start or not end:
            raise StoreError(f"{path} is no page of this package: it has no lineage. {remedy(path)}")
        return head, block, tail


FORMATS: dict[type, Format] = {
    duckdb.DuckDBPyRelation: TableFormat(),
    TrackEmbeddings: ModelFormat(),
    dict: MetricsFormat(),
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
