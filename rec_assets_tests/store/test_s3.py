"""The store on S3, against a server on this machine; without this a store elsewhere could break, or tell secrets."""

import errno
import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from rec_assets.core.base.errors import StoreError
from rec_assets.core.base.relations import Relation
from rec_assets.definitions import build_definitions
from rec_assets.paths import storage_base
from rec_assets.serving.main import main
from rec_assets.store.places import place
from rec_assets.store.promoted_models import PromotedModels
from rec_assets_tests.conftest import SMALL, Project, timeless, timeless_files
from rec_assets_tests.core.promoted.small_promoted import add_version
from rec_assets_tests.store.s3_server import BUCKET, KEY, SECRET, forget_connections, objects
from rec_assets_tests.store.stored_values import FIGURES, LINEAGE, open_store, values

s3fs = pytest.importorskip("s3fs", reason="needs the `s3` extra")
S3Place = pytest.importorskip("rec_assets.store.s3").S3Place

PUTS = ("put_object", "upload_part", "complete_multipart_upload")


def test_the_whole_job_with_its_source_on_s3_stores_there_what_it_stores_in_a_folder_and_no_credentials(
    base: str,
    project: Project,
    trained_store: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("REC_ASSETS_STORAGE", base)
    project.definitions = build_definitions(storage_base())
    source = place(f"s3://{BUCKET}/source") / project.source.name
    source.write_bytes(project.source.read_bytes())
    result = project.run_job({"source": str(source), **SMALL})

    found = objects(base)
    assert {name: timeless(name.split("/")[-1], content) for name, content in found.items()} == timeless_files(
        trained_store
    )
    said = [str(event) for event in result.all_events] + [record.getMessage() for record in caplog.records]
    assert not [text for text in said if SECRET in text or KEY in text]
    assert not [name for name, content in found.items() if SECRET.encode() in content or KEY.encode() in content]


def test_without_credentials_nothing_is_written(base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    forget_connections()
    with open_store(base) as store, pytest.raises(Exception, match="Unable to locate credentials"):
        store.write("test_hit_rate", dict(FIGURES), LINEAGE)


def repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each put is made twice, as after an answer that was lost."""
    call = s3fs.S3FileSystem._call_s3

    async def repeating(self: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "put_object":
            await call(self, method, *args, **kwargs)
            kwargs["Body"].seek(0)
        return await call(self, method, *args, **kwargs)

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", repeating)


def refuse_conditions(monkeypatch: pytest.MonkeyPatch) -> None:
    """The endpoint knows no conditional writes."""
    call = s3fs.S3FileSystem._call_s3

    async def refusing(self: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if {"IfMatch", "IfNoneMatch"} & kwargs.keys():
            raise OSError(errno.ENOSYS, "A header you provided implies functionality that is not implemented")
        return await call(self, method, *args, **kwargs)

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", refusing)


@pytest.mark.parametrize("knows_conditions", [True, False])
def test_of_two_promotions_to_a_bucket_the_second_is_told(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, knows_conditions: bool
) -> None:
    if not knows_conditions:
        refuse_conditions(monkeypatch)
    models = PromotedModels(base, tmp_path)
    nothing = models.stamp()
    for version in (1, 2):
        add_version(models, version)
    models.point_to(1, by="hand", over=nothing)
    first = models.stamp()
    models.point_to(2, by="hand", over=first)

    for stamp in (nothing, first):
        with pytest.raises(StoreError, match="another promotion came first"):
            models.point_to(1, by="gate", over=stamp)
    with monkeypatch.context() as both_looked_before_one_wrote:
        looks = iter([False])
        both_looked_before_one_wrote.setattr(S3Place, "exists", lambda path: next(looks, True))
        with pytest.raises(StoreError, match="another run promotes at the same time"):
            add_version(models, 2, hit_rate=0.123)
    assert models.open(2).facts["version"] == 2


def test_a_promotion_whose_answer_was_lost_is_no_other_one(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = PromotedModels(base, tmp_path)
    repeat(monkeypatch)

    add_version(models, 1)
    models.point_to(1, by="hand")
    assert models.open_current().facts["version"] == 1


def fail(monkeypatch: pytest.MonkeyPatch, methods: Collection[str], error: Exception) -> None:
    """Requests of some kinds end with ``error``."""
    call = s3fs.S3FileSystem._call_s3

    async def failing(self: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method in methods:
            raise error
        return await call(self, method, *args, **kwargs)

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", failing)


def test_a_failed_upload_leaves_the_old_object_and_no_other_and_the_next_replaces_it(
    base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(base) as store:
        store.write("test_hit_rate", dict(FIGURES), LINEAGE)
        old = objects(base)

        with monkeypatch.context() as patch:
            fail(patch, PUTS, ConnectionResetError(104, "the cable was pulled"))
            with pytest.raises(OSError, match="cable"):
                store.write("test_hit_rate", {"hit_rate": 1.0}, LINEAGE)

        assert objects(base) == old
        assert list(store.duckdb.scratch_folder.glob(".writing-*")) == []
        store.write("test_hit_rate", {"hit_rate": 1.0}, LINEAGE)
        assert store.read("test_hit_rate", dict) == {"hit_rate": 1.0}


def test_what_the_server_forbids_or_does_not_have_is_a_clear_error(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(base.replace(BUCKET, "nowhere")) as store:
        nowhere = pytest.raises(StoreError, match=r"cannot write s3://nowhere/.*: The specified bucket does not exist")
        with nowhere:
            store.write("test_hit_rate", dict(FIGURES), LINEAGE)
    with open_store(base) as store:
        with pytest.raises(StoreError, match=rf"{base}/table\.parquet does not exist\. Materialize"):
            store.read("table", Relation)
        store.write("test_hit_rate", dict(FIGURES), LINEAGE)
        denied = PermissionError("Access Denied")  # as s3fs raises it, without a number
        fail(monkeypatch, [*PUTS, "head_object", "get_object"], denied)
        with pytest.raises(StoreError, match=rf"cannot write {base}/test_hit_rate.json: Access Denied\."):
            store.write("test_hit_rate", dict(FIGURES), LINEAGE)
        with pytest.raises(StoreError, match=rf"{base}/test_hit_rate.json may not be read \(Access Denied\)"):
            store.read("test_hit_rate", dict)


def test_a_lazy_table_and_a_mapped_model_are_read_from_s3(base: str) -> None:
    with open_store(base) as store:
        for name in ("playlist_sequences", "track_embeddings"):
            store.write(name, values(store)[name], LINEAGE)
        rows = store.read("playlist_sequences", Relation)
        assert isinstance(rows, duckdb.DuckDBPyRelation)
        assert rows.aggregate("count(*)").fetchall() == [(1000,)]
        assert store.lineage("track_embeddings") == LINEAGE


def test_promoted_models_on_s3_are_promoted_asked_and_removed(base: str, tmp_path: Path) -> None:
    models, reader = (PromotedModels(base, folder) for folder in (tmp_path / "writer", tmp_path / "reader"))
    for folder in ("writer", "reader"):
        (tmp_path / folder).mkdir()
    assert reader.current() is None
    for version in (1, 2):
        add_version(models, version)
        models.point_to(version, by="test")
        assert reader.open_current().facts["version"] == version

    done = CliRunner().invoke(main, ["promote", "--storage", base, "1"])
    assert done.exit_code == 0, done.output
    asked = CliRunner().invoke(main, ["recommend", "--storage", base, "Artist 3", "Track 12", "--json"])
    assert json.loads(asked.stdout)["version"] == 1
    assert models.remove_all_but([1]) == [2]
    assert set(objects(base)) == {"promoted_model.json", "promoted_models/v0001.safetensors"}
    assert list((tmp_path / "reader").iterdir()) == []


def test_readers_fetch_each_version_once_for_all_processes_and_keep_two(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    fetched: list[str] = []
    call = s3fs.S3FileSystem._call_s3

    async def counted(self: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method == "get_object" and kwargs["Key"].endswith(".safetensors"):
            fetched.append(kwargs["Key"].rpartition("/")[2])
        return await call(self, method, *args, **kwargs)

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", counted)
    models, copies = PromotedModels(base, tmp_path), tmp_path / "cache" / "rec_assets" / "copies"
    for version in (1, 2, 1, 2):
        if version not in models.stored():
            add_version(models, version)
        models.point_to(version, by="test")
        for _ in range(2):  # each command is a process of its own, with a folder of its own
            assert PromotedModels(base, tmp_path).open_current().facts["version"] == version
    assert fetched == ["v0001.safetensors", "v0002.safetensors"]

    add_version(models, 3)
    models.point_to(3, by="test")
    assert sorted(path.name[-17:] for path in copies.rglob("*.safetensors")) == [
        "v0002.safetensors",
        "v0003.safetensors",
    ]
    (copies.parent.parent / "rec_assets").rename(tmp_path / "gone")
    (tmp_path / "cache" / "rec_assets").write_text("no folder can be made here")
    assert models.open_current().facts["version"] == 3
