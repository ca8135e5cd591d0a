"""The store on S3, against a server on this machine; without this a store elsewhere could break, or tell secrets."""

import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner
from upath import UPath

from rec_assets.core.base.errors import StoreError
from rec_assets.core.base.relations import Relation
from rec_assets.definitions import build_definitions
from rec_assets.paths import storage_base
from rec_assets.serving.main import main
from rec_assets.store.atomic import atomic_file
from rec_assets.store.promoted_models import PromotedModels
from rec_assets_tests.conftest import Project, timeless, timeless_files
from rec_assets_tests.core.promoted.small_promoted import add_version
from rec_assets_tests.store.stored_values import FIGURES, LINEAGE, open_store, values

s3fs = pytest.importorskip("s3fs", reason="needs the `s3` extra")
server = pytest.importorskip("moto.server", reason="needs moto's server, of the `dev` extra")

BUCKET = "playlists"
PUTS = ("put_object", "upload_part", "complete_multipart_upload")
KEY, SECRET = "key-of-the-environment", "secret-of-the-environment"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def base(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A URL below an empty bucket; where it is and who asks comes from the environment."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    s3fs.S3FileSystem.clear_instance_cache()
    files = s3fs.S3FileSystem()
    files.mkdir(BUCKET)
    yield f"s3://{BUCKET}/some/prefix"
    files.rm(BUCKET, recursive=True)
    s3fs.S3FileSystem.clear_instance_cache()


def objects(base: str) -> dict[str, bytes]:
    files = s3fs.S3FileSystem()
    files.invalidate_cache()
    root = base.removeprefix("s3://") + "/"
    return {path.removeprefix(root): files.cat_file(path) for path in files.find(root)}


def test_the_whole_job_stores_on_s3_what_it_stores_in_a_folder_and_no_credentials(
    base: str,
    project: Project,
    trained_store: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("REC_ASSETS_STORAGE", base)
    project.definitions = build_definitions(storage_base())
    result = project.run_job()

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
    s3fs.S3FileSystem.clear_instance_cache()
    with open_store(base) as store, pytest.raises(Exception, match="Unable to locate credentials"):
        store.write("test_hit_rate", dict(FIGURES), LINEAGE)


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


def test_an_upload_in_parts_that_fails_leaves_the_old_object(
    base: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = UPath(base) / "large.bin"
    target.write_bytes(b"old")

    def write() -> None:
        with atomic_file(target, tmp_path) as temporary:
            with temporary.open("wb") as file:
                file.truncate(110 << 20)  # s3fs cuts what is above 100 MB
            fail(monkeypatch, ["complete_multipart_upload"], TimeoutError("no answer"))

    with pytest.raises(TimeoutError):
        write()
    monkeypatch.undo()

    assert objects(base) == {"large.bin": b"old"}
    assert s3fs.S3FileSystem().call_s3("list_multipart_uploads", Bucket=BUCKET).get("Uploads", []) == []


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
