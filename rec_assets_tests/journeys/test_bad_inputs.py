"""Bad inputs: without these tests a wrong source, setting or disk could end in a stack, a retry, or a lost file.

Each is one clear error in its own step, or at launch; a store filled before shows that nothing is overwritten.
"""

import errno
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import yaml

from rec_assets.core.playlists import splits
from rec_assets.defs import ingestion, preparation
from rec_assets.defs.flat_config import InvalidJobSettings
from rec_assets.store import atomic, io_manager
from rec_assets_tests.conftest import HEADER, SMALL, SPLITS, Project, made_rows, write_unescaped_csv
from rec_assets_tests.journeys.dagster_processes import CHECKOUT, dagster_command, own_environment

REFUSED_REJECTS = "raw_playlists.rejects_of_refused_source.parquet"
NOBODY = 65_534


def run_badly(project: Project, **settings: Any) -> dg.ExecuteInProcessResult:
    result = project.run_job({**SMALL, **settings}, check=False)
    assert not result.success
    return result


def failures(result: dg.ExecuteInProcessResult) -> dict[str, tuple[str, str]]:
    """By failed step: the class and the text of what the run page shows first. No step was tried twice."""
    assert [e.step_key for e in result.all_events if e.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY] == []
    found = {}
    for event in result.all_events:
        if event.event_type is dg.DagsterEventType.STEP_FAILURE:
            error = event.step_failure_data.error
            found[event.step_key] = (error.cls_name, error.message.strip())
    return found


def started(result: dg.ExecuteInProcessResult) -> set[str]:
    return {e.step_key for e in result.all_events if e.event_type is dg.DagsterEventType.STEP_START}


def assert_error(error: tuple[str, str], kind: str, *parts: str) -> None:
    """The error is a ``kind``, and its text, one line without a stack, holds all ``parts``."""
    assert error[0] == kind
    assert [part for part in parts if part not in error[1]] == [], error[1]
    assert "Traceback" not in error[1]
    assert len(error[1].splitlines()) == 1


def stored(project: Project) -> dict[str, bytes]:
    """The files of the store, without what a refused source leaves beside them."""
    files = project.files()
    files.pop(REFUSED_REJECTS, None)
    return files


def assert_untouched(project: Project, before: Mapping[str, bytes], *renewed: str) -> None:
    """The store holds the same bytes as before but for ``renewed``, and neither it nor the disk a leftover."""
    after = stored(project)
    assert set(after) == set(before)
    assert {name for name in before if after[name] != before[name]} <= set(renewed)
    assert [path.name for path in Path(tempfile.gettempdir()).iterdir() if path.name.startswith("rec_assets")] == []


@pytest.fixture(autouse=True)
def _own_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))


@pytest.fixture(scope="module")
def filled(trained_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """A trained project that all tests share which leave it as it is."""
    folder = tmp_path_factory.mktemp("filled")
    with dg.DagsterInstance.ephemeral() as instance:
        project = Project(folder, instance, write_unescaped_csv(folder / "playlists.csv", made_rows()))
        shutil.copytree(trained_store, project.store)
        yield project


# Sources

PLAIN = "user_id,artist,track,playlist\n"


def missing_file(folder: Path) -> Path:
    return folder / "nothing_here.csv"


def folder_without_files(folder: Path) -> Path:
    (folder / "empty").mkdir()
    (folder / "empty" / "notes.txt").write_text("no playlists")
    return folder / "empty"


def pattern_without_files(folder: Path) -> Path:
    return folder / "*.nothing"


def empty_file(folder: Path) -> Path:
    return write(folder / "bad.csv", b"")


def empty_parquet_file(folder: Path) -> Path:
    return write(folder / "bad.parquet", b"")


def header_only(folder: Path) -> Path:
    return write(folder / "bad.csv", HEADER.encode())


def missing_column(folder: Path) -> Path:
    return write(folder / "bad.csv", HEADER.replace("trackname", "trucknames").encode() + b'\n"u","a","t","p"\n')


def binary_file(folder: Path) -> Path:
    return write(folder / "bad.csv", b"\x7fELF" + bytes(range(256)) * 40)


def utf16_text(folder: Path) -> Path:
    return write(folder / "bad.csv", (PLAIN + "u,a,t,p\n").encode("utf-16"))


def latin1_rows(folder: Path) -> Path:
    return write(folder / "bad.csv", (PLAIN + "u,Beyoncé,t,p\n" * 20).encode("latin-1"))


def latin1_header(folder: Path) -> Path:
    return write(folder / "bad.csv", "user_id,artíst,track,playlist\n".encode("latin-1"))


def half_a_quote(folder: Path) -> Path:
    return write(folder / "bad.csv", (PLAIN + "u,a,t,p\n" * 50 + 'u,"a,t,p\n' + "u,a,t,p\n").encode())


def half_a_quote_in_the_dialect(folder: Path) -> Path:
    return write(folder / "bad.csv", (HEADER + '\n"u","a","t","p\n"u","a","t","p"\n').encode())


def half_a_quote_in_the_header(folder: Path) -> Path:
    return write(folder / "bad.csv", b'user_id,"artist,track,playlist\nu,a,t,p\n')


def many_rejects(folder: Path) -> Path:
    return write(folder / "bad.csv", (PLAIN + "u,a,t,p\n" * 90 + ",a,t,p\n" * 6 + "u,a\n" * 4).encode())


def nothing_but_rejects(folder: Path) -> Path:
    return write(folder / "bad.csv", (PLAIN + "u,a\n" * 4).encode())


def parquet_of_other_types(folder: Path) -> Path:
    return parquet(
        folder / "bad.parquet", "SELECT 'u' AS user_id, MAP {'a': 'b'} AS artist, 't' AS track, 'p' AS playlist"
    )


def truncated_parquet(folder: Path) -> Path:
    path = parquet(folder / "bad.parquet", LARGE)
    return write(path, path.read_bytes()[:-50])


def parquet_with_a_hole(folder: Path) -> Path:
    path = parquet(folder / "bad.parquet", LARGE)
    whole = path.read_bytes()
    return write(path, whole[:1_000] + b"\xff" * 2_000 + whole[3_000:])


LARGE = "SELECT 'u' AS user_id, 'a' AS artist, 't' || i AS track, 'p' || i AS playlist FROM range(9999) rows(i)"


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def parquet(path: Path, select: str) -> Path:
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path


@pytest.mark.parametrize(
    ("make", "found", "expected", "remedy"),
    [
        (missing_file, "does not exist", "expected a file, a folder or a glob pattern", "REC_ASSETS_SOURCE"),
        (folder_without_files, "holds no file", "that ends in .csv, .tsv, .json", "Set `source`"),
        (pattern_without_files, "no file matches", "the pattern", "Set `source`"),
        (empty_file, "is empty", "expected rows of playlists", "Write or download it again"),
        (empty_parquet_file, "is empty", "expected rows of playlists", "Write or download it again"),
        (header_only, "no row after the header", "expected rows of playlists", "set `source` to another file"),
        (missing_column, "it has 'user_id', 'artistname'", "no column for `track`", 'columns: {track: "trucknames"}'),
        (binary_file, "its first line holds NUL bytes", "is no text", "Set `source` to a CSV, parquet or JSON file"),
        (utf16_text, "text in UTF-16", "bad.csv", "Save it in UTF-8"),
        (latin1_rows, "20 x not UTF-8 (first: bad.csv line 2)", "expected some that can", "save it in UTF-8"),
        (
            latin1_header,
            r"its first line is b'user_id,art\xedst",
            "not in UTF-8",
            "Save it in UTF-8",
        ),
        (half_a_quote, "bad.csv line 52", "1 of 52 rows", "Correct the file"),
        (half_a_quote_in_the_dialect, "does not begin and end with a quote", "at most 1.00%", "Correct the file"),
        (half_a_quote_in_the_header, "a quote is never closed", "is not CSV", "Correct the header"),
        (
            many_rejects,
            "10 of 100 rows",
            "at most 1.00% (max_reject_share). 6 x no user (first: bad.csv line 92); "
            "4 x 2 fields instead of 4 (first: bad.csv line 98)",
            "or raise max_reject_share",
        ),
        (nothing_but_rejects, "4 of 4 rows", "expected some that can", "Correct the file"),
        (parquet_of_other_types, "(`artist`) is MAP(VARCHAR, VARCHAR)", "expected text, a number", "Cast it"),
        (truncated_parquet, "No magic bytes", "not a whole parquet file", "Write or download it again"),
        (parquet_with_a_hole, "decompression", "not a whole parquet file", "Write or download it again"),
    ],
    ids=lambda value: value.__name__.replace("_", " ") if callable(value) else "",
)
def test_a_bad_source_fails_the_first_step_and_its_error_names_it_with_what_to_do(
    filled: Project, tmp_path: Path, make: Callable[[Path], Path], found: str, expected: str, remedy: str
) -> None:
    before = stored(filled)
    source = make(tmp_path)

    result = run_badly(filled, source=str(source))

    assert started(result) == {"raw_playlists"}
    assert set(failures(result)) == {"raw_playlists"}
    assert_error(failures(result)["raw_playlists"], "SourceError", str(source), found, expected, remedy)
    assert_untouched(filled, before)


def test_rejects_of_a_refused_source_are_kept_apart_from_those_of_the_stored_table(trained: Project) -> None:
    run_badly(trained, source=str(many_rejects(trained.folder)))

    with duckdb.connect() as connection:
        kept = connection.read_parquet(str(trained.store / REFUSED_REJECTS)).fetchall()
    assert len(kept) == 10
    assert kept[0] == ("bad.csv", 92, ",a,t,p", "no user")
    assert kept[-1] == ("bad.csv", 101, "u,a", "2 fields instead of 4")


def test_the_sample_takes_the_place_of_other_playlists_only_where_it_is_named(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REC_ASSETS_SOURCE", raising=False)
    project.materialize(["raw_playlists"], {"raw_playlists": {"source": str(project.source)}})
    before = stored(project)

    error = failures(project.materialize(["raw_playlists"], check=False))["raw_playlists"]

    assert_error(error, "SourceError", f"{project.store} was made from {project.source}", "Set REC_ASSETS_SOURCE")
    assert stored(project) == before
    project.materialize(["raw_playlists"], {"raw_playlists": {"source": error[1].split()[-1].rstrip(".")}})
    project.materialize(["raw_playlists"])


def test_a_source_that_may_not_be_read_is_named(open_project: Project) -> None:
    before = stored(open_project)
    secret = open_project.folder / "secret.csv"
    write_unescaped_csv(secret, made_rows()).chmod(0)

    with as_someone_else():
        result = run_badly(open_project, source=str(secret))

    assert_error(
        failures(result)["raw_playlists"],
        "SourceError",
        f"{secret} cannot be opened: Permission denied",
        "change its permissions",
    )
    assert_untouched(open_project, before)


# Too little in the data. The rows themselves are good, and stored; what is made from playlists is as it was.

INGESTED = ("raw_playlists.parquet", "raw_playlists.rejects.parquet", "track_catalog.parquet")


@pytest.mark.parametrize(
    ("rows", "settings", "parts"),
    [
        (
            None,
            {"min_tracks": 50},
            ("of 60 playlists 60 are in the sample", "of these 0 with min_tracks=50 tracks", "Set min_tracks to 9"),
        ),
        (
            [(f"u{n // 2}", "a", f"t{n}", f"p{n // 2}") for n in range(40)],
            {},
            ("of 20 playlists", "Set min_tracks to 2"),
        ),
        ([("u", "a", f"t{n}", "p") for n in range(40)], {}, ("1 playlists are left", "Bring 3 playlists")),
    ],
    ids=["no playlist is long enough", "new data without a long playlist", "one playlist only"],
)
def test_too_few_playlists_stop_before_anything_is_made_from_them(
    trained: Project, rows: list | None, settings: dict[str, Any], parts: tuple[str, ...]
) -> None:
    before = stored(trained)
    if rows:
        settings = {**settings, "source": str(write_unescaped_csv(trained.folder / "other.csv", rows))}

    result = run_badly(trained, **settings)

    assert set(failures(result)) == {"playlist_sequences"}
    assert_error(failures(result)["playlist_sequences"], "DataError", *parts)
    assert_untouched(trained, before, *(INGESTED if rows else ()))


@pytest.mark.parametrize(
    ("step", "settings", "parts"),
    [
        *(
            (
                step,
                {"min_count": 10_000},
                ("min_count=10000 leaves 0 tracks", "most frequent one occurs", "Set min_count to 3 or less"),
            )
            for step in ("track_embeddings", "track_ranker")
        ),
        (
            "playlist_sequences",
            {"sample_percent": 0.0},
            ("Setting `sample_percent` is 0", "expected above 0", "run config"),
        ),
    ],
)
def test_materializing_with_a_setting_that_cannot_be_fails_that_step_once_and_writes_nothing(
    filled: Project, step: str, settings: dict[str, Any], parts: tuple[str, ...]
) -> None:
    before = stored(filled)

    result = filled.materialize([step], {step: settings}, check=False)

    assert set(failures(result)) == {step}
    assert_error(failures(result)[step], "SettingsError", *parts)
    assert_untouched(filled, before)


@pytest.mark.parametrize(
    ("content", "advice", "settings"),
    [
        (PLAIN + "u,a,t,p\n" * 9 + "u,a\n", "raise max_reject_share", {"max_reject_share": 0.1}),
        (
            '"user_id","artist","track","playlist"\n' + '"u","a","t","p"\n' * 9_000 + '"u","a "x" b","t","p"\n' * 99,
            "set `format: unescaped_csv`",
            {"format": "unescaped_csv"},
        ),
    ],
)
def test_the_advice_to_a_refused_source_is_followed_and_it_is_read(
    project: Project, content: str, advice: str, settings: dict[str, Any]
) -> None:
    source = {"source": str(write(project.folder / "refused.csv", content.encode()))}

    refused = project.materialize(["raw_playlists"], {"raw_playlists": source}, check=False)
    assert advice in failures(refused)["raw_playlists"][1]

    assert project.materialize(["raw_playlists"], {"raw_playlists": {**source, **settings}}).success


@pytest.mark.parametrize("repeat", [lambda rows: rows * 2, lambda rows: [row for row in rows for _ in range(2)]])
def test_playlists_that_repeat_themselves_stop_before_anything_is_trained(
    project: Project, repeat: Callable[[list[str]], list[str]]
) -> None:
    playlists = [[f"u,a,t{(7 * n + place) % 60},p{n}\n" for place in range(4)] for n in range(40)]
    rows = "".join(line for playlist in playlists for line in repeat(playlist))
    source = write(project.folder / "doubled.csv", (PLAIN + rows).encode())

    result = run_badly(project, source=str(source))

    assert_error(
        failures(result)["split_sequences"],
        "DataError",
        "40 of 40 playlists repeat themselves",
        "expected at most 5%",
        "raise `max_repeated_share`",
    )


# Settings that need no data

SETTINGS = [
    (
        {"train_share": 0.7, "validation_share": 0.2, "test_share": 0.2},
        "Settings train_share=0.7, validation_share=0.2, test_share=0.2: they add to 1.1; "
        "expected shares above 0 that add to 1. Change them in the run config.",
    ),
    ({"sample_percent": 0.0}, "Setting `sample_percent` is 0; expected above 0 and at most 100."),
    ({"k": 0}, "Setting `k` is 0; expected at least 1 and at most 1,000."),
    ({"alpha": float("nan")}, "Setting `alpha` is nan; expected at least 0.0001 and at most 1."),
    (
        {"columns": {"singer": "artistname"}},
        "Setting `columns` names singer; expected row_id, user_id, playlist, artist or track",
    ),
]


@pytest.mark.parametrize(("settings", "text"), SETTINGS, ids=[", ".join(settings) for settings, _ in SETTINGS])
@pytest.mark.parametrize("job", ["training_job", "tutorial_job"])
def test_a_setting_out_of_bounds_is_refused_before_the_first_step(
    project: Project, job: str, settings: dict[str, Any], text: str
) -> None:
    with pytest.raises(InvalidJobSettings) as caught:
        project.run_job({"epochs": 1, **settings}, job=job, check=False)

    found = str(caught.value)
    assert found.startswith(text)
    assert "in the run config" in found
    assert found.endswith("Nothing was run.")
    assert "pydantic" not in found
    assert caught.value.__suppress_context__
    assert project.instance.get_runs_count() == 0
    assert not project.store.exists()


def test_all_bad_settings_are_named_at_once(project: Project) -> None:
    with pytest.raises(InvalidJobSettings) as caught:
        project.run_job({"epochs": -1, "k": 0, "sample_percent": 101.0})

    assert {line.partition(";")[0] for line in str(caught.value).splitlines()} == {
        "Setting `epochs` is -1",
        "Setting `k` is 0",
        "Setting `sample_percent` is 101",
        "Nothing was run.",
    }


# A store that cannot be written


@pytest.fixture
def open_project(trained_store: Path) -> Iterator[Project]:
    """A trained project in a folder that every user may enter, unlike pytest's own."""
    with tempfile.TemporaryDirectory(dir="/tmp") as name, dg.DagsterInstance.ephemeral() as instance:
        folder = Path(name)
        folder.chmod(0o755)
        project = Project(folder, instance, write_unescaped_csv(folder / "playlists.csv", made_rows()))
        shutil.copytree(trained_store, project.store)
        project.store.chmod(0o755)
        yield project


@contextmanager
def as_someone_else() -> Iterator[None]:
    """Root may write anywhere, so root works as nobody meanwhile; any other user stays the same."""
    user = os.geteuid()
    if user:
        yield
        return
    with tempfile.TemporaryDirectory(dir="/tmp") as own, pytest.MonkeyPatch.context() as patch:
        os.chown(own, NOBODY, NOBODY)
        patch.setattr(tempfile, "tempdir", own)
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(user)


def test_a_store_without_permission_is_named_and_left_alone(open_project: Project) -> None:
    before = stored(open_project)
    open_project.store.chmod(0o555)

    with as_someone_else():
        result = run_badly(open_project, epochs=1)

    open_project.store.chmod(0o755)
    assert started(result) == {"raw_playlists"}
    assert_error(
        failures(result)["raw_playlists"],
        "StoreError",
        f"cannot write {open_project.store}/raw_playlists.parquet: Permission denied",
        "mend the permissions",
        "REC_ASSETS_STORAGE",
    )
    assert_untouched(open_project, before)


def test_a_file_in_the_place_of_the_store_is_named_and_left_alone(project: Project) -> None:
    project.store.write_text("not a folder")

    result = run_badly(project)

    assert set(failures(result)) == {"raw_playlists"}
    assert_error(
        failures(result)["raw_playlists"], "StoreError", f"cannot write {project.store}/", "REC_ASSETS_STORAGE"
    )
    assert project.store.read_text() == "not a folder"


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterable[Path]:
    """An empty disk of 4 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", disk], check=False).returncode:
        pytest.skip("needs root and the right to mount a tmpfs")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize(
    ("step", "settings", "file"),
    [
        ("raw_playlists", {"source": "larger.csv"}, "raw_playlists.parquet"),
        ("track_embeddings", {"min_count": 1, "vector_size": 1_024}, "track_embeddings.safetensors"),
    ],
    ids=["table", "model"],
)
def test_a_full_disk_keeps_every_old_file_whole(
    trained_store: Path, small_disk: Path, monkeypatch, step: str, settings: dict[str, Any], file: str
) -> None:
    monkeypatch.chdir(small_disk.parent)
    larger = [(f"user{n}", f"Artist {n * 7919 % 1_000}", f"Track {n}", f"list {n}") for n in range(20_000)]
    source = write_unescaped_csv(small_disk.parent / "larger.csv", larger)
    with dg.DagsterInstance.ephemeral() as instance:
        project = Project(small_disk, instance, source)
        shutil.copytree(trained_store, project.store)
        before = stored(project)
        room = 100_000
        state = os.statvfs(small_disk)
        (small_disk / "filler").write_bytes(bytes(state.f_bavail * state.f_frsize - room))

        result = project.materialize([step], {step: settings}, check=False)

        place = f"cannot write {project.store}/{file}"
        assert_error(failures(result)[step], "StoreError", place, "No space left", "Free some space")
        assert_untouched(project, before)


def test_a_quota_on_the_size_of_files_keeps_every_old_file_whole(filled: Project) -> None:
    before = stored(filled)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        result = filled.materialize(
            ["track_embeddings"], {"track_embeddings": {"min_count": 1, "vector_size": 1_024}}, check=False
        )
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    assert_error(
        failures(result)["track_embeddings"],
        "StoreError",
        f"cannot write {filled.store}/track_embeddings.safetensors",
        "File too large",
    )
    assert_untouched(filled, before)


# What may pass is tried again, and nothing else


def failing(original: Callable, error: Exception, times: int) -> Callable:
    """``original``, but for its first calls."""
    left = [error] * times

    def call(*args: Any, **settings: Any) -> Any:
        if left:
            raise left.pop()
        return original(*args, **settings)

    return call


def read_again(project: Project) -> list[str | None]:
    """Materialize the first steps from the same source; those that were tried again, in order."""
    source = {"raw_playlists": {"source": str(project.source)}}
    assets = ["raw_playlists", "track_catalog", "playlist_sequences", *SPLITS]
    result = project.materialize(assets, source, check=False)
    retried = [e.step_key for e in result.all_events if e.event_type is dg.DagsterEventType.STEP_UP_FOR_RETRY]
    assert result.success == (len(retried) < 2)
    return retried


UNREAD = duckdb.IOException("IO Error: read x: Input/output error")
FAULTS = {
    "from the store": ("raw_playlists", atomic, "_flush", OSError(errno.EIO, "Input/output error")),
    "from the source": ("raw_playlists", ingestion, "content_digest", OSError(errno.ESTALE, "Stale file handle")),
    "from DuckDB": ("raw_playlists", ingestion, "stage_playlists", UNREAD),
    "from a join": ("track_catalog", ingestion, "build_track_catalog", UNREAD),
    "from a sort": ("playlist_sequences", preparation, "build_sequences", UNREAD),
    "from a rank": ("split_sequences", splits, "split_sequences", UNREAD),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_passes_is_tried_again_and_the_step_succeeds(
    filled: Project, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    before = stored(filled)
    monkeypatch.setattr(io_manager, "SECONDS_TO_WAIT", 0.01)
    step, module, name, error = FAULTS[fault]
    monkeypatch.setattr(module, name, failing(getattr(module, name), error, times=1))

    assert read_again(filled) == [step]
    assert_untouched(filled, before)


def test_a_fault_that_stays_fails_after_three_attempts_and_keeps_every_old_file(
    filled: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = stored(filled)
    monkeypatch.setattr(io_manager, "SECONDS_TO_WAIT", 0.01)
    monkeypatch.setattr(atomic, "_flush", failing(atomic._flush, OSError(errno.EIO, "Input/output error"), times=99))

    assert read_again(filled) == ["raw_playlists", "raw_playlists"]
    assert_untouched(filled, before)


@pytest.mark.parametrize(
    "error",
    [
        duckdb.IOException("IO Error: Unexpected end of GZIP stream"),
        duckdb.IOException("IO Error: Could not write x: No space left on device"),
        OSError(errno.ENOENT, "No such file or directory"),
        ValueError("a mistake of ours"),
    ],
)
def test_a_fault_that_waiting_does_not_mend_is_not_tried_again(error: Exception) -> None:
    with pytest.raises(type(error)) as caught, io_manager.retry_transient():
        raise error

    assert caught.value is error


# As a user of the command line sees it


def test_the_shell_shows_a_refused_setting_without_a_stack_and_last(filled: Project, tmp_path: Path) -> None:
    before = stored(filled)

    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump({**SMALL, "epochs": -1, "epoch": 2}))

    command = ["job", "execute", "-m", "rec_assets.definitions", "-j", "training_job", "-c", str(config)]
    done = subprocess.run(
        dagster_command("dagster", *command),
        cwd=CHECKOUT,
        env={**own_environment(tmp_path), "REC_ASSETS_STORAGE": str(filled.store)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    printed = done.stderr
    assert "Traceback" not in printed
    assert "STEP_START" not in printed
    # The setting is described there, too, and how its description reads is no concern of this test.
    assert "\nError: Setting `epochs` is -1; expected at least 1 and at most 1,000. Change it in the run" in printed
    assert printed.endswith("\nThere is no setting `epoch`. Did you mean `epochs`?\nNothing was run.\n")
    assert_untouched(filled, before)
