"""The store and its IO manager; without this values could come back changed, or from a second connection."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from gensim.models import KeyedVectors
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load_file
from upath import UPath

from rec_assets.core.base.errors import StoreError
from rec_assets.core.base.relations import Relation
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.vectors.embeddings import TrackEmbeddings, load_keyed_vectors
from rec_assets.definitions import build_definitions
from rec_assets.defs.shared.materialized import materialized
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.duckdb import SharedDuckDB
from rec_assets.store.io_manager import StoreIOManager
from rec_assets.store.table_file import ROWS_PER_GROUP
from rec_assets.store.temporary import SCRATCH_PREFIX
from rec_assets_tests.store.stored_values import FIGURES, KINDS, LINEAGE, open_store, values

# Any text that is text: lone surrogates are not.
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
COLUMNS: dict[pa.DataType, st.SearchStrategy] = {
    pa.string(): TEXT,
    pa.int64(): st.integers(-(2**63), 2**63 - 1),
    pa.int32(): st.integers(-(2**31), 2**31 - 1),
    pa.bool_(): st.booleans(),
    pa.float64(): st.floats(allow_nan=False),
    pa.list_(pa.int32()): st.lists(st.none() | st.integers(-(2**31), 2**31 - 1), max_size=5),
    pa.list_(pa.string()): st.lists(st.none() | TEXT, max_size=5),
}


@st.composite
def tables(draw: st.DrawFn) -> pa.Table:
    """Up to 60 rows of up to 7 columns, nulls among them, with names of any letters."""
    names = draw(st.lists(TEXT.filter(lambda name: name.strip() and "\0" not in name), min_size=1, max_size=7,
                          unique_by=str.casefold))  # fmt: skip
    rows = draw(st.integers(0, 60))
    columns = {}
    for name in names:
        kind = draw(st.sampled_from(list(COLUMNS)))
        values = st.lists(st.none() | COLUMNS[kind], min_size=rows, max_size=rows)
        columns[name] = pa.array(draw(values), kind)
    return pa.table(columns)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AssetStore]:
    with open_store(str(tmp_path / "store")) as store:
        yield store


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables())
@example(pa.table({"empty": pa.array([], pa.list_(pa.int32()))}))
@example(pa.table({"a.list.element": pa.array([[1, None], None, []], pa.list_(pa.int32()))}))
@example(pa.table({"nul and the largest": ["a\0b", "\U0010ffff", ""]}))
def test_any_table_comes_back_as_it_was(store: AssetStore, table: pa.Table) -> None:
    store.write("table", store.duckdb.connect().from_arrow(table), LINEAGE)

    back = store.read("table", Relation).to_arrow_table()
    assert back.schema.names == table.schema.names
    assert back.to_pylist() == table.to_pylist()
    file = pq.read_table(Path(store.base) / "table.parquet", partitioning=None)
    assert file.to_pylist() == table.to_pylist()
    assert [kind.value_type if pa.types.is_list(kind) else kind for kind in file.schema.types] == [
        kind.value_type if pa.types.is_list(kind) else kind for kind in table.schema.types
    ]


@pytest.mark.parametrize("rows", [ROWS_PER_GROUP - 1, ROWS_PER_GROUP, ROWS_PER_GROUP + 1, 3 * ROWS_PER_GROUP + 7])
def test_rows_keep_their_order_over_row_groups_of_a_fixed_size(store: AssetStore, rows: int) -> None:
    query = f"SELECT 'a' || hash(range) AS text, range AS row_id, [range::INT, 1] AS pair FROM range({rows * 2})"
    kept = store.duckdb.connect().sql(query).filter("row_id % 2 = 0")
    metadata = store.write("table", kept, LINEAGE)

    assert metadata["dagster/row_count"] == rows
    file = pq.ParquetFile(Path(store.base) / "table.parquet")
    sizes = [file.metadata.row_group(number).num_rows for number in range(file.num_row_groups)]
    assert sizes == [ROWS_PER_GROUP] * (rows // ROWS_PER_GROUP) + [rows % ROWS_PER_GROUP] * (rows % ROWS_PER_GROUP > 0)
    assert np.array_equal(file.read(["row_id"])["row_id"].to_numpy(), np.arange(0, 2 * rows, 2))
    assert store.read("table", Relation).select("count(*), sum(pair[1])").fetchall() == [(rows, rows * (rows - 1))]


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_comes_back_through_dagster_with_its_lineage(store: AssetStore, name: str) -> None:
    kind, suffix = KINDS[name]
    value, received = values(store)[name], []

    @dg.asset(name=name)
    def first(store: AssetStore) -> dg.MaterializeResult[kind]:
        return materialized(store, values(store)[name], LINEAGE, {})

    @dg.asset(ins={"found": dg.AssetIn(name, dagster_type=kind)})
    def second(found) -> None:
        received.append(found.fetchall() if kind is Relation else found)

    assert dg.materialize([first, second], resources=build_definitions(store.base).resources).success
    (found,) = received
    if kind is Relation:
        assert found == value.fetchall()
    elif kind in (TrackEmbeddings, Recommender):
        arrays, expected = arrays_of(found), arrays_of(value)
        assert {name: array.dtype for name, array in arrays.items()} == {n: a.dtype for n, a in expected.items()}
        assert all(np.array_equal(array, expected[name]) for name, array in arrays.items())
        assert not [name for name, array in arrays.items() if array.size and array.flags.writeable]
    else:
        assert found == value
    assert store.lineage(name) == LINEAGE
    assert [path.name for path in Path(store.base).iterdir()] == [name + suffix]


def arrays_of(model: Any) -> dict[str, np.ndarray]:
    found = model.arrays() if isinstance(model, Recommender) else vars(model)
    return {name: array for name, array in found.items() if isinstance(array, np.ndarray)}


@pytest.mark.parametrize("figure", [float("nan"), float("inf")])
def test_a_figure_that_json_does_not_have_is_refused(store: AssetStore, figure: float) -> None:
    store.write("report", {"hit_rate": 0.5}, LINEAGE)
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.write("report", {"hit_rate": figure}, LINEAGE)
    assert store.read("report", dict) == {"hit_rate": 0.5}


def test_a_store_may_be_in_any_folder(tmp_path: Path) -> None:
    folder = tmp_path / "year=2024" / 'it\'s "quoted" with blank' / "[a] {b} *?" / "ünï 名" / "per%20cent#hash"
    with open_store(str(folder)) as store:
        store.write("table", store.duckdb.connect().sql("SELECT 1 AS a"), LINEAGE)

        assert store.read("table", Relation).columns == ["a"]
        assert [path.name for path in folder.iterdir()] == ["table.parquet"]


def test_a_type_without_a_format_is_named(store: AssetStore) -> None:
    with pytest.raises(TypeError, match="no file format for <class 'set'>; annotate"):
        store.write("tracks", {1, 2}, LINEAGE)


def test_a_stored_model_opens_as_keyed_vectors_and_a_table_in_pandas(trained_store: Path) -> None:
    model, table = trained_store / "track_embeddings.safetensors", trained_store / "track_catalog.parquet"
    vectors, named = load_keyed_vectors(model), load_keyed_vectors(model, table)
    catalog = pd.read_parquet(table).set_index("track_index")
    names = catalog["artist"] + "|||" + catalog["track"]

    assert isinstance(vectors, KeyedVectors)
    assert len(vectors) == len(named) <= len(names) == 40
    assert np.array_equal(vectors[3], named[names[3]])
    assert [key for key, _ in named.most_similar(names[3], topn=3)] == [
        names[key] for key, _ in vectors.most_similar(3, topn=3)
    ]
    assert load_file(model)["input_vectors"].shape == (len(vectors), 8)


def test_assets_store_and_io_manager_share_one_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, Any] = {}
    write, read = StoreIOManager.handle_output, StoreIOManager.load_input

    def handle_output(self: StoreIOManager, context: dg.OutputContext, value: Any) -> None:
        seen.setdefault("written by", self._store.duckdb.connect())
        write(self, context, value)

    def load_input(self: StoreIOManager, context: dg.InputContext) -> Any:
        seen.setdefault("read by", self._store.duckdb.connect())
        return read(self, context)

    monkeypatch.setattr(StoreIOManager, "handle_output", handle_output)
    monkeypatch.setattr(StoreIOManager, "load_input", load_input)

    @dg.asset
    def table(duckdb: SharedDuckDB, store: AssetStore) -> dg.MaterializeResult[Relation]:
        seen["first asset"], seen["its store"] = duckdb.connect(), store.duckdb.connect()
        return materialized(store, duckdb.connect().sql("SELECT 1 AS a"), LINEAGE, {})

    @dg.asset
    def joined(duckdb: SharedDuckDB, store: AssetStore, table: Relation) -> dg.MaterializeResult[Relation]:
        seen["second asset"], seen["its store too"] = duckdb.connect(), store.duckdb.connect()
        with duckdb.get_connection() as connection:
            seen["of a block"] = connection
        other = duckdb.connect().sql("SELECT 1 AS a, 2 AS b")
        return materialized(store, table.join(other, "a"), LINEAGE, {})

    resources = build_definitions(str(tmp_path / "store")).resources
    assert dg.materialize([table, joined], resources=resources).success

    assert len(seen) == 7
    first = seen.pop("first asset")
    assert [name for name, connection in seen.items() if connection is not first] == []
    assert pq.read_table(tmp_path / "store" / "joined.parquet").to_pydict() == {"a": [1], "b": [2]}


def test_after_a_run_the_connection_is_closed_and_its_folder_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    seen = []

    @dg.asset
    def table(duckdb: SharedDuckDB, store: AssetStore) -> dg.MaterializeResult[Relation]:
        seen.append(duckdb.connect())
        assert len(list(tmp_path.glob(f"{SCRATCH_PREFIX}*"))) == 1
        return materialized(store, duckdb.connect().sql("SELECT 1 AS a"), LINEAGE, {})

    dg.materialize([table], resources=build_definitions(str(tmp_path / "store")).resources)

    with pytest.raises(duckdb.ConnectionException):
        seen[0].sql("SELECT 1")
    assert list(tmp_path.glob(f"{SCRATCH_PREFIX}*")) == []


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[AssetStore]:
    base = f"memory://bucket/{tmp_path.name}"
    with open_store(base) as store:
        yield store
    UPath(base).fs.rm(UPath(base).path, recursive=True)


def test_an_object_store_holds_the_same_files(remote: AssetStore, store: AssetStore) -> None:
    for name in KINDS:
        for one in (remote, store):
            one.write(name, values(one)[name], LINEAGE)
    for path in Path(store.base).iterdir():
        assert (UPath(remote.base) / path.name).read_bytes() == path.read_bytes()
    assert remote.read("test_hit_rate", dict) == FIGURES
    assert remote.lineage("track_embeddings") == LINEAGE


def test_a_lazy_table_goes_on_reading_the_object_it_was_made_of(remote: AssetStore) -> None:
    connection = remote.duckdb.connect()
    remote.write("table", connection.sql("SELECT 'old' AS a"), LINEAGE)
    old = remote.read("table", Relation)
    remote.write("table", connection.sql("SELECT 'newer' AS a"), LINEAGE)

    assert remote.read("table", Relation).fetchall() == [("newer",)]
    assert old.fetchall() == [("old",)]


def test_an_object_is_downloaded_once_for_value_and_lineage(
    remote: AssetStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote.write("table", remote.duckdb.connect().sql("SELECT 1 AS a"), LINEAGE)
    downloads = []
    file_system = type(UPath(remote.base).fs)
    get_file = file_system.get_file

    def counted(self: Any, *args: Any, **kwargs: Any) -> None:
        downloads.append(args)
        get_file(self, *args, **kwargs)

    monkeypatch.setattr(file_system, "get_file", counted)
    remote.read("table", Relation)
    remote.lineage("table")
    remote.read("table", Relation)

    assert len(downloads) == 1


def test_a_damaged_object_is_named_by_its_address(remote: AssetStore) -> None:
    (UPath(remote.base) / "table.parquet").write_bytes(b"PAR1")
    with pytest.raises(StoreError, match=rf"{remote.base}/table\.parquet has no checksum.* Materialize table again"):
        remote.read("table", Relation)
