"""Files that are missing, damaged or of another kind are refused by name, with what to do; pickles are not run."""

import ast
import pickle
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import rec_assets
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.core.base.errors import StoreError
from rec_assets.core.vectors.embeddings_file import TENSORS
from rec_assets.store.formats import FORMATS
from rec_assets.store.asset_store import AssetStore
from rec_assets_tests.conftest import Project
from rec_assets_tests.shell.stored_values import KINDS, LINEAGE, open_store, values


@pytest.fixture
def store(tmp_path: Path) -> Iterator[AssetStore]:
    with open_store(str(tmp_path / "store")) as store:
        yield store


@pytest.fixture(params=KINDS)
def stored(request: pytest.FixtureRequest, store: AssetStore) -> tuple[AssetStore, str, type, Path]:
    """A stored file of each format: the store, the asset's name and type, and the file."""
    name = request.param
    kind, suffix = KINDS[name]
    store.write(name, values(store)[name], LINEAGE)
    return store, name, kind, Path(store.base) / f"{name}{suffix}"


def refused(read: Callable[[], Any], path: Path, remedy: str) -> None:
    with pytest.raises(StoreError) as error:
        read()
    assert str(path) in str(error.value)
    assert remedy in str(error.value)


def both_refused(stored: tuple[AssetStore, str, type, Path]) -> None:
    """Value and lineage are refused, with the file's name and what to do."""
    store, name, kind, path = stored
    refused(lambda: store.read(name, kind), path, f"Materialize {name} again")
    refused(lambda: store.lineage(name), path, f"Materialize {name} again")


def test_a_missing_file_is_named_with_its_remedy(stored) -> None:
    store, name, kind, path = stored
    path.unlink()
    refused(lambda: store.read(name, kind), path, f"Materialize {name} first")
    with pytest.raises(StoreError, match=f"{name} is not in the store .*Materialize it first"):
        store.lineage(name)


@pytest.mark.parametrize("content", [b"", b"\0", b"PAR1", b"\xff" * 5000, b"[]", b"{}", b"null", b"[" * 100_000])
def test_a_file_of_another_kind_is_refused(stored, content: bytes) -> None:
    store, name, kind, path = stored
    path.write_bytes(content)
    if (kind, content) == (dict, b"{}"):  # figures without any figure, and without lineage
        refused(lambda: store.lineage(name), path, f"Materialize {name} again")
    else:
        both_refused(stored)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.5, 0.9, 0.999])
def test_a_truncated_file_is_refused(stored, share: float) -> None:
    *_, path = stored
    content = path.read_bytes()
    path.write_bytes(content[: min(int(len(content) * share), len(content) - 3)])
    both_refused(stored)


def test_a_file_with_something_after_its_end_is_refused(stored) -> None:
    *_, path = stored
    with path.open("ab") as file:
        file.write(b"more")
    both_refused(stored)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), bits=st.integers(1, 255))
@pytest.mark.parametrize("name", ["playlist_sequences", "track_embeddings"])
def test_a_changed_byte_anywhere_never_gives_other_data(store: AssetStore, name: str, place: float, bits: int) -> None:
    kind, suffix = KINDS[name]
    path = Path(store.base) / f"{name}{suffix}"
    value = values(store)[name]
    if not path.exists():
        store.write(name, value, LINEAGE)
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[int(place * len(whole))] ^= bits
    path.write_bytes(damaged)
    try:
        found = store.read(name, kind)
    except StoreError as error:
        found, told = None, str(error)
    path.write_bytes(whole)

    if found is None:
        assert str(path) in told
        assert f"Materialize {name} again" in told
    else:
        # A model's header may have changed in what it tells of the training; its numbers may not.
        assert kind is TrackEmbeddings
        assert all(np.array_equal(getattr(found, each), getattr(value, each)) for each in TENSORS)


def test_a_parquet_file_of_another_program_is_refused(stored) -> None:
    store, name, kind, path = stored
    pq.write_table(pa.table({"a": [1]}), path)
    both_refused((store, name, kind, path))


def test_a_safetensors_file_of_another_program_is_refused(store: AssetStore) -> None:
    from safetensors.numpy import save_file

    (Path(store.base)).mkdir()
    path = Path(store.base) / "track_embeddings.safetensors"
    save_file({"weights": np.zeros(3, np.float32)}, path)
    both_refused((store, "track_embeddings", TrackEmbeddings, path))


def test_a_file_that_may_not_be_read_is_named(stored, monkeypatch: pytest.MonkeyPatch) -> None:
    store, name, kind, path = stored

    def refuse(*args: object) -> None:  # what the system says to anyone but root
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(type(FORMATS[kind]), "read", refuse)
    refused(lambda: store.read(name, kind), path, "(Permission denied). Mend its permissions")


def test_a_damaged_input_fails_the_step_with_the_same_words(project: Project) -> None:
    project.run_job()
    path = project.store / "train_sequences.parquet"
    path.write_bytes(path.read_bytes()[:-100])

    result = project.materialize(["track_embeddings"], check=False)

    (failure,) = [event for event in result.all_node_events if event.is_step_failure]
    text = failure.step_failure_data.error.to_string()
    assert f"StoreError: {path} is not a whole parquet file" in text
    assert "Materialize train_sequences again." in text


class Trap:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return Path.touch, (self.mark,)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_in_place_of_a_file_is_refused_and_not_run(stored, tmp_path: Path, protocol: int) -> None:
    *_, path = stored
    mark = tmp_path / "executed"
    trap = pickle.dumps(Trap(mark), protocol)
    pickle.loads(trap)
    assert mark.exists(), "the trap works"
    mark.unlink()

    path.write_bytes(trap)

    both_refused(stored)
    assert not mark.exists()


def modules() -> Sequence[Path]:
    return sorted(Path(rec_assets.__file__).parent.rglob("*.py"))


@pytest.mark.parametrize("path", modules(), ids=lambda path: path.stem)
def test_no_module_can_pickle(path: Path) -> None:
    """By what it imports, and by the calls of numpy, pandas and gensim that pickle inside."""
    forbidden_modules = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "smart_open"}
    forbidden_calls = {"read_pickle", "to_pickle", "unpickle", "allow_pickle"}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            assert not {alias.name.partition(".")[0] for alias in node.names} & forbidden_modules
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").partition(".")[0] not in forbidden_modules
        elif isinstance(node, ast.Attribute):
            assert node.attr not in forbidden_calls
            owner = node.value.id if isinstance(node.value, ast.Name) else ""
            assert (owner, node.attr) not in {
                ("np", "load"),
                ("np", "save"),
                ("Word2Vec", "load"),
                ("KeyedVectors", "load"),
            }
        elif isinstance(node, ast.keyword):
            assert node.arg not in forbidden_calls
