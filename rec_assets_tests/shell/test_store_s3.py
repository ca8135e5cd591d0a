"""The store on S3: the whole job against a server on this machine, that speaks S3."""

import io
import json
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from upath import UPath

from rec_assets.serving.main import main
from rec_assets.core.base.errors import StoreError
from rec_assets.core.base.relations import Relation
from rec_assets.core.tuning import Trial
from rec_assets.definitions import build_definitions
from rec_assets.paths import storage_base
from rec_assets.store.atomic import atomic_file
from rec_assets.store.promoted_models import PromotedModels
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.trial_files import TrialFiles
from rec_assets_tests.conftest import OPEN_GATE, SMALL, Project, timeless
from rec_assets_tests.core.made_promoted import built
from rec_assets_tests.journeys.test_first_run import STORED
from rec_assets_tests.shell.stored_values import EMBEDDINGS, FIGURES, KINDS, LINEAGE, open_store, values

s3fs = pytest.importorskip("s3fs", reason="needs the `s3` extra")
server = pytest.importorskip("moto.server", reason="needs moto's server, of the `dev` extra")

BUCKET = "playlists"
SEQUENCES = [
    *("raw_playlists", "track_catalog", "playlist_sequences", "train_sequences", "validation_sequences"),
    *("test_sequences", "base_sequences", "ranker_sequences"),
]
PUTS = ("put_object", "upload_part", "complete_multipart_upload")
# Another value for each name of KINDS.
OTHERS: dict[str, Callable[[AssetStore], Any]] = {
    "playlist_sequences": lambda store: store.duckdb.connect().sql("SELECT 1 AS a"),
    "track_embeddings": lambda store: replace(EMBEDDINGS, count=EMBEDDINGS.count + 1),
    "test_hit_rate": lambda store: {"hit_rate": 1.0},
}
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
    return {path.removeprefix(root): timeless(path.split("/")[-1], files.cat_file(path)) for path in files.find(root)}


def run_job(base: str, project: Project, **config: Any) -> dg.ExecuteInProcessResult:
    job = build_definitions(base).resolve_job_def("training_job")
    settings = {"source": str(project.source), **OPEN_GATE, **SMALL, **config}
    return job.execute_in_process(settings, instance=project.instance)


def test_a_trial_and_its_leaderboard_lie_on_s3(base: str, project: Project) -> None:
    definitions = build_definitions(base)
    graph, instance = definitions.resolve_implicit_global_asset_job_def(), project.instance
    graph.execute_in_process(
        {"ops": {"raw_playlists": {"config": {"source": str(project.source)}}}},
        instance=instance,
        asset_selection=[dg.AssetKey(name) for name in SEQUENCES],
    )
    settings = {"k": 5, "min_count": 1, "epochs": 1, "vector_size": 4, "workers": 1}
    trial = Trial("s", 0, {"strategy": "track_vectors"}, settings, {"parameters": {"strategy": ["track_vectors"]}})
    TrialFiles(base).write(trial, project.folder)
    instance.add_dynamic_partitions("tuning_trials", [trial.key])
    definitions.resolve_job_def("trial_job").execute_in_process(partition_key=trial.key, instance=instance)
    definitions.resolve_job_def("tuning_leaderboard_job").execute_in_process(instance=instance)

    assert TrialFiles(base).of_search("s") == [trial]
    assert TrialFiles(base).searches() == ["s"]
    report = json.loads((UPath(base) / "trial_hit_rate" / "s-000.json").read_text())
    table = pq.read_table(io.BytesIO((UPath(base) / "tuning_leaderboard.parquet").read_bytes())).to_pylist()
    assert [(row["trial"], row["state"], row["hit_rate"]) for row in table] == [
        ("s-000", "finished", report["hit_rate"])
    ]


def test_the_whole_job_stores_on_s3_what_it_stores_in_a_folder(
    base: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REC_ASSETS_STORAGE", base)
    assert run_job(storage_base(), project).success
    project.run_job()

    found = objects(base)
    assert set(found) == STORED
    assert found == project.files()
    report = json.loads(found["validation_hit_rate.json"])
    assert report["playlists"] == 12


def test_a_rerun_replaces_the_objects(base: str, project: Project) -> None:
    run_job(base, project)
    first = objects(base)
    run_job(base, project, vector_size=4)
    second = objects(base)

    assert set(second) == {*STORED, "promoted_models/v0002.safetensors"}
    assert {name for name in STORED if first[name] == second[name]} == {
        "raw_playlists.parquet", "raw_playlists.rejects.parquet", "track_catalog.parquet", "playlist_sequences.parquet",
        "train_sequences.parquet", "validation_sequences.parquet", "test_sequences.parquet", "base_sequences.parquet",
        "ranker_sequences.parquet", "promoted_models/v0001.safetensors",
    }  # fmt: skip


@pytest.mark.parametrize("name", KINDS)
def test_a_failed_upload_leaves_the_old_object_and_no_other(
    base: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(base) as store:
        store.write(name, values(store)[name], LINEAGE)
        old = objects(base)

        fail(monkeypatch, PUTS, ConnectionResetError(104, "the cable was pulled"))
        with pytest.raises(OSError, match="cable"):
            store.write(name, OTHERS[name](store), LINEAGE)
        monkeypatch.undo()

        assert objects(base) == old
        assert list(store.duckdb.scratch_folder.glob(".writing-*")) == []


def fail(monkeypatch: pytest.MonkeyPatch, methods: Collection[str], error: Exception) -> None:
    """Requests of some kinds end with ``error``."""
    call = s3fs.S3FileSystem._call_s3

    async def failing(self: Any, method: str, *args: Any, **kwargs: Any) -> Any:
        if method in methods:
            raise error
        return await call(self, method, *args, **kwargs)

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", failing)


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


def test_what_the_server_forbids_is_a_clear_error(base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(base) as store:
        store.write("test_hit_rate", dict(FIGURES), LINEAGE)
        denied = PermissionError("Access Denied")  # as s3fs raises it, without a number

        fail(monkeypatch, [*PUTS, "head_object", "get_object"], denied)
        with pytest.raises(StoreError, match=rf"cannot write {base}/test_hit_rate.json: Access Denied\."):
            store.write("test_hit_rate", dict(FIGURES), LINEAGE)
        with pytest.raises(StoreError, match=rf"{base}/test_hit_rate.json may not be read \(Access Denied\)"):
            store.read("test_hit_rate", dict)


def test_a_bucket_that_is_not_there_is_a_clear_error(base: str) -> None:
    with (
        open_store(base.replace(BUCKET, "nowhere")) as store,
        pytest.raises(StoreError, match=r"cannot write s3://nowhere/.*: The specified bucket does not exist"),
    ):
        store.write("test_hit_rate", dict(FIGURES), LINEAGE)


def test_a_lazy_table_and_a_mapped_model_are_read_from_s3(base: str) -> None:
    with open_store(base) as store:
        for name, value in values(store).items():
            store.write(name, value, LINEAGE)
        rows = store.read("playlist_sequences", Relation)
        assert isinstance(rows, duckdb.DuckDBPyRelation)
        assert rows.aggregate("count(*)").fetchall() == [(1000,)]
        assert store.lineage("track_embeddings") == LINEAGE


def test_an_object_that_is_not_there_is_named_with_its_remedy(base: str) -> None:
    with (
        open_store(base) as store,
        pytest.raises(StoreError, match=rf"{base}/table\.parquet does not exist\. Materialize"),
    ):
        store.read("table", Relation)


def test_credentials_come_from_the_environment_and_are_stored_nowhere(
    base: str, project: Project, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    result = run_job(base, project)

    told = [str(event) for event in result.all_events] + [record.getMessage() for record in caplog.records]
    assert not [text for text in told if SECRET in text or KEY in text]
    assert not [
        name for name, content in objects(base).items() if SECRET.encode() in content or KEY.encode() in content
    ]

    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(project.folder))
    s3fs.S3FileSystem.clear_instance_cache()
    with open_store(base) as store, pytest.raises(Exception, match="Unable to locate credentials"):
        store.write("test_hit_rate", {"hit_rate": 1.0}, LINEAGE)


def test_promoted_models_on_s3_are_promoted_asked_and_removed(base: str, tmp_path: Path) -> None:
    models, reader = (PromotedModels(base, folder) for folder in (tmp_path / "writer", tmp_path / "reader"))
    for folder in ("writer", "reader"):
        (tmp_path / folder).mkdir()
    assert reader.current() is None
    for version in (1, 2):
        models.add(built(version=version, seed=version))
        models.point_to(version, by="test")
        assert reader.open_current().facts["version"] == version

    done = CliRunner().invoke(main, ["promote", "--storage", base, "1"])
    assert done.exit_code == 0, done.output
    asked = CliRunner().invoke(main, ["recommend", "--storage", base, "Artist 3", "Track 12", "--json"])
    assert json.loads(asked.stdout)["version"] == 1
    assert models.remove_all_but([1]) == [2]
    assert set(objects(base)) == {"promoted_model.json", "promoted_models/v0001.safetensors"}
    assert list((tmp_path / "reader").iterdir()) == []
