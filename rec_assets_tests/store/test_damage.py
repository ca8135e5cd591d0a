"""Damaged files; without this one could abort a process, answer wrongly, run code, or not say how to mend it."""

import ast
import json
import os
import pickle
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import rec_assets
from rec_assets.core.base import lineage as lineage_module
from rec_assets.core.base.errors import StoreError
from rec_assets.core.base.relations import Relation
from rec_assets.core.base.seal import UNSEALED, seal, verify_seal
from rec_assets.core.ranker.learned import Ranker
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.report.page import HtmlPage
from rec_assets.core.vectors.embeddings import TrackEmbeddings, load_keyed_vectors
from rec_assets.serving.http.current import CurrentModel
from rec_assets.serving.main import main
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.formats import FORMATS
from rec_assets.store.promoted_models import FOLDER, POINTER, PromotedModels
from rec_assets_tests.conftest import SMALL, Project
from rec_assets_tests.core.promoted.small_promoted import add_version
from rec_assets_tests.store.stored_values import KINDS, LINEAGE, flip_bit, open_store, values

# Bits turned over in each kind of file.
FLIPS = int(os.environ.get("FLIPS", "5"))
GO_BACK = "Choose a kept version (rec-assets promote), or run training_job with replace_unreadable: true."


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


def refused(use: Callable[[], Any], path: Path, remedy: str) -> None:
    """``use`` says that the file cannot be used and what to do, as an error or as a text."""
    try:
        said = str(use())
    except StoreError as error:
        said = str(error)
    assert str(path) in said
    assert remedy in said


def both_refused(stored: tuple[AssetStore, str, type, Path]) -> None:
    store, name, kind, path = stored
    refused(lambda: store.read(name, kind), path, f"Materialize {name} again.")
    refused(lambda: store.lineage(name), path, f"Materialize {name} again.")


# What reads a kind of file: the asset and its type, and the other readers by the store.
Reader = Callable[[Path], Any]


def command(*words: str, fails: bool = True) -> Reader:
    def run(base: Path) -> str:
        result = CliRunner().invoke(main, [words[0], "--storage", str(base), *words[1:]])
        assert result.exception is None or isinstance(result.exception, SystemExit)
        assert (result.exit_code != 0) is fails, result.output
        return result.output

    return run


def served(base: Path) -> str | None:
    current = CurrentModel(PromotedModels(str(base)))
    current.look()
    assert current.served is None
    return current.problem


def models(use: Callable[[PromotedModels], Any]) -> Reader:
    return lambda base: use(PromotedModels(str(base)))


RECOMMEND = command("recommend", "Artist 3", "Track 12")
READERS: dict[str, tuple[type | None, list[Reader]]] = {
    "track_catalog.parquet": (
        Relation,
        [
            command("summary"),
            lambda base: load_keyed_vectors(base / "track_embeddings.safetensors", base / "track_catalog.parquet"),
        ],
    ),
    "track_embeddings.safetensors": (
        TrackEmbeddings,
        [lambda base: load_keyed_vectors(base / "track_embeddings.safetensors")],
    ),
    "recommender.safetensors": (Recommender, [command("summary")]),
    "track_ranker.json": (Ranker, []),
    "validation_hit_rate.json": (dict, [command("summary")]),
    "recommendation_report.html": (HtmlPage, []),
    POINTER: (
        dict,
        [
            *(models(PromotedModels.current), models(PromotedModels.open_current), RECOMMEND, served),
            command("summary", fails=False),
        ],
    ),
    f"{FOLDER}/v0002.safetensors": (
        None,
        [
            models(lambda models: models.open(2)),
            models(lambda models: models.open_current(again=True)),
            models(lambda models: models.facts(2)),
            models(lambda models: models.point_to(2, by="hand")),
            *(RECOMMEND, served, command("promote", "2"), command("promote", fails=False)),
        ],
    ),
}


@pytest.mark.parametrize("file", READERS)
def test_a_bit_that_turned_over_anywhere_is_refused_by_all_who_read_the_file(trained: Project, file: str) -> None:
    base, path, name = trained.store, trained.store / file, Path(file).stem
    promoted = PromotedModels(str(base))
    add_version(promoted, 2)
    promoted.point_to(2, by="test")
    kind, readers = READERS[file]
    remedy = GO_BACK if "promoted" in file else f"Materialize {name} again."
    bits = 8 * path.stat().st_size
    with open_store(str(base)) as store:
        if kind is not None:
            store.read(name, kind)
            readers = [*readers, lambda _: store.read(name, kind), lambda _: store.lineage(name)]
        for bit in random.Random(file).sample(range(bits), min(FLIPS, bits)):
            time.sleep(0.02)  # the clock of a file system is coarse
            flip_bit(path, bit)
            for read in readers:
                refused(lambda read=read: read(base), path, remedy)
            if remedy is GO_BACK:
                assert CliRunner().invoke(main, ["promote", "--storage", str(base), "1"]).exit_code == 0
                assert promoted.open_current().facts["version"] == 1
            if file != POINTER:
                flip_bit(path, bit)
            promoted.point_to(2, by="test")


def test_a_store_of_which_every_file_is_damaged_is_mended_by_the_job_that_the_gate_names(trained: Project) -> None:
    pointer, history = trained.store / POINTER, trained.store / "promotion_decision.json"
    flip_bit(pointer, 999)
    refused_run = trained.materialize(["promotion_decision"], check=False)
    (failure,) = [event for event in refused_run.all_node_events if event.is_step_failure]
    said = failure.step_failure_data.error.to_string()
    assert f"The candidate has nothing to be compared with: {pointer} is damaged" in said
    assert GO_BACK in said

    files = [path for path in trained.store.rglob("*") if path.is_file()]
    for path in files:
        flip_bit(path, 4 * path.stat().st_size)
    damaged = history.read_bytes()
    trained.run_job({**SMALL, "replace_unreadable": True})

    for path in files:
        if path.parent == trained.store:
            verify_seal(path)
    assert PromotedModels(str(trained.store)).open_current().facts["version"] == 2
    (aside,) = trained.store.glob("promotion_decision.unreadable-*.json")
    assert aside.read_bytes() == damaged


def test_a_damaged_input_fails_the_step_and_materializing_it_again_mends_it(trained: Project) -> None:
    path = trained.store / "train_sequences.parquet"
    flip_bit(path, 8)
    result = trained.materialize(["track_embeddings"], check=False)
    (failure,) = [event for event in result.all_node_events if event.is_step_failure]
    assert f"{path} is damaged: its bytes are not those that were written. Materialize train_sequences again." in (
        failure.step_failure_data.error.to_string()
    )

    trained.materialize(["train_sequences", "validation_sequences", "test_sequences"])
    assert trained.materialize(["track_embeddings"], {"track_embeddings": {"min_count": 1, "epochs": 1}}).success


def test_a_missing_file_is_named_with_its_remedy(stored) -> None:
    store, name, kind, path = stored
    path.unlink()
    refused(lambda: store.read(name, kind), path, f"Materialize {name} first")
    with pytest.raises(StoreError, match=f"{name} is not in the store .*Materialize it first"):
        store.lineage(name)


def test_a_file_of_another_kind_is_refused_by_its_checksum_and_behind_it(stored) -> None:
    *_, path = stored
    for content in (b"", b"PAR1", b"\xff" * 5_000, b"null", b"{}", b"[" * 100_000):
        path.write_bytes(content)
        both_refused(stored)
        path.write_bytes(content + UNSEALED.encode())
        seal(path)
        both_refused(stored)


def test_a_file_that_is_cut_off_or_longer_is_refused(stored) -> None:
    *_, path = stored
    content = path.read_bytes()
    for share in (0.01, 0.5, 0.999):
        path.write_bytes(content[: min(int(len(content) * share), len(content) - 3)])
        both_refused(stored)
    path.write_bytes(content + b"more")
    both_refused(stored)


def test_a_file_of_an_older_format_is_refused_in_one_sentence_with_the_remedy(
    stored, promoted: PromotedModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, name, kind, path = stored
    with monkeypatch.context() as patch:
        patch.setattr(lineage_module, "FORMAT", 1)
        store.write(name, values(store)[name], LINEAGE)
        old = add_version(promoted, 3)
    read = f"this version of rec_assets reads format {lineage_module.FORMAT}."
    format_1 = f"is of format 1 (rec_assets {rec_assets.__version__}); {read}"
    for use in (lambda: store.read(name, kind), lambda: store.lineage(name)):
        refused(use, path, f"{format_1} Materialize {name} again.")
    for use in (lambda: promoted.open(3), lambda: promoted.facts(3), lambda: promoted.point_to(3, by="hand")):
        refused(use, old, f"{format_1} {GO_BACK}")


def test_a_file_from_before_there_were_checksums_is_refused_in_one_sentence_with_the_remedy(
    store: AssetStore, promoted: PromotedModels
) -> None:
    said = "has no checksum: it is damaged, or an older version of rec_assets or another program wrote it."
    path = Path(store.base) / "test_hit_rate.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"hit_rate": 0.5, "lineage": {"data_version": "1", "settings": {}}}))
    refused(lambda: store.read("test_hit_rate", dict), path, f"{said} Materialize test_hit_rate again.")
    pointer = Path(promoted.base) / POINTER
    pointer.write_text(json.dumps({"version": 2, "kept": [1, 2]}))
    for read in (RECOMMEND, served, models(PromotedModels.open_current)):
        refused(lambda read=read: read(Path(promoted.base)), pointer, f"{said} {GO_BACK}")


def test_a_file_that_may_not_be_read_is_named(stored, monkeypatch: pytest.MonkeyPatch) -> None:
    store, name, kind, path = stored

    def refuse(*args: object) -> None:  # what the system says to anyone but root
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setitem(FORMATS, kind, replace(FORMATS[kind], read=refuse))
    refused(lambda: store.read(name, kind), path, "(Permission denied). Mend its permissions")


class Trap:
    """Leaves a mark when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return Path.touch, (self.mark,)


def test_a_pickle_in_place_of_a_file_is_refused_and_not_run(stored, tmp_path: Path) -> None:
    *_, path = stored
    mark = tmp_path / "executed"
    trap = pickle.dumps(Trap(mark))
    pickle.loads(trap)
    assert mark.exists(), "the trap works"
    mark.unlink()

    for content in (trap, trap + UNSEALED.encode()):
        path.write_bytes(content)
        if content is not trap:
            seal(path)
        both_refused(stored)
    assert not mark.exists()


def test_no_module_can_pickle() -> None:
    """By what it imports, and by the calls of numpy, pandas and gensim that pickle inside."""
    modules = {"pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "smart_open"}
    calls = {"read_pickle", "to_pickle", "unpickle", "allow_pickle"}
    owned = {("np", "load"), ("np", "save"), ("Word2Vec", "load"), ("KeyedVectors", "load")}
    for path in Path(rec_assets.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                assert not {alias.name.partition(".")[0] for alias in node.names} & modules, path
            elif isinstance(node, ast.ImportFrom):
                assert (node.module or "").partition(".")[0] not in modules, path
            elif isinstance(node, ast.Attribute):
                owner = node.value.id if isinstance(node.value, ast.Name) else ""
                assert node.attr not in calls, path
                assert (owner, node.attr) not in owned, path
            elif isinstance(node, ast.keyword):
                assert node.arg not in calls, path
