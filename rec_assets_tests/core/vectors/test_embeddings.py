"""Without these, vectors could be opened under the names of another catalog, or from a damaged file."""

from pathlib import Path

import duckdb
import numpy as np
import pytest

from rec_assets.core.base.errors import StoreError, TrainingError, UnreadableError
from rec_assets.core.base.lineage import LINEAGE_KEY, Lineage, derive_lineage
from rec_assets.core.base.tensor_file import write_tensors
from rec_assets.core.vectors.embeddings import TrackEmbeddings, load_keyed_vectors, open_embeddings, save_embeddings
from rec_assets.store.table_file import write_table

EMBEDDINGS = TrackEmbeddings(
    track_index=np.array([2, 0], np.int32),
    count=np.array([9, 4], np.int64),
    input_vectors=np.array([[1, 2], [3, 4]], np.float32),
    output_vectors=np.array([[5, 6], [7, 8]], np.float32),
    hyperparameters={"alpha": 0.025, "epochs": 3},
)


def catalog_lineage(content: str = "") -> Lineage:
    return derive_lineage("track_catalog", code_version="1", settings={}, inputs={}, content=content)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    lineage = derive_lineage(
        "track_embeddings", code_version="1", settings={}, inputs={"track_catalog": catalog_lineage()}
    )
    save_embeddings(EMBEDDINGS, tmp_path / "model.safetensors", {LINEAGE_KEY: lineage.to_json()})
    return tmp_path / "model.safetensors"


@pytest.fixture
def catalog(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> Path:
    rows = connection.sql("SELECT range::INTEGER AS track_index, 'a' AS artist, range::VARCHAR AS track FROM range(3)")
    write_table(rows, tmp_path / "catalog.parquet", {LINEAGE_KEY: catalog_lineage().to_json()})
    return tmp_path / "catalog.parquet"


def test_embeddings_come_back_from_their_file(model: Path) -> None:
    found = open_embeddings(model)

    for name in ("track_index", "count", "input_vectors", "output_vectors"):
        np.testing.assert_array_equal(getattr(found, name), getattr(EMBEDDINGS, name))
    assert found.hyperparameters == EMBEDDINGS.hyperparameters


def test_gensim_opens_them_by_number_or_by_name(model: Path, catalog: Path) -> None:
    assert load_keyed_vectors(model)[2].tolist() == [1, 2]
    assert load_keyed_vectors(str(model), str(catalog))["a|||0"].tolist() == [3, 4]


def test_names_of_another_catalog_are_refused_with_both_versions(
    model: Path, connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    other = catalog_lineage("other")
    write_table(connection.sql("SELECT 1 AS track_index"), tmp_path / "other", {LINEAGE_KEY: other.to_json()})

    with pytest.raises(StoreError, match=rf"{catalog_lineage().data_version}, but .*other is {other.data_version}"):
        load_keyed_vectors(model, tmp_path / "other")
    write_table(connection.sql("SELECT 1 AS track_index"), tmp_path / "foreign", {})
    with pytest.raises(StoreError, match=r"foreign has no lineage.* Materialize track_catalog again"):
        load_keyed_vectors(model, tmp_path / "foreign")


def test_a_damaged_file_or_another_kind_is_refused(model: Path, tmp_path: Path) -> None:
    write_tensors(tmp_path / "other", {"count": np.zeros(2)}, {})
    with pytest.raises(UnreadableError, match="lacks input_vectors, output_vectors, track_index"):
        open_embeddings(tmp_path / "other")
    content = bytearray(model.read_bytes())
    content[-30] ^= 1
    model.write_bytes(content)
    with pytest.raises(StoreError, match=r"model\.safetensors is damaged.* Materialize track_embeddings again"):
        load_keyed_vectors(model)


def test_what_is_not_finite_is_counted_and_refused_with_the_setting_to_lower() -> None:
    inputs = np.array([[1, np.nan], [3, 4]], np.float32)
    broken = TrackEmbeddings(
        EMBEDDINGS.track_index, EMBEDDINGS.count, inputs, EMBEDDINGS.output_vectors, EMBEDDINGS.hyperparameters
    )

    EMBEDDINGS.require_finite()
    assert broken.count_broken() == {"input_vectors": 1, "output_vectors": 0}
    with pytest.raises(TrainingError, match=r"of 2 tracks 1 have a vector .* Lower alpha, which is 0\.025"):
        broken.require_finite()
