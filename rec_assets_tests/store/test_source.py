"""Playlists that lie in a bucket; without this they could be read otherwise than on a disk, or hide where they are."""

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rec_assets.core.base.errors import SettingsError, SourceError, StoreError
from rec_assets.paths import storage_base
from rec_assets.store.places import place
from rec_assets.store.source import find_source
from rec_assets_tests.conftest import Project, made_rows, write_unescaped_csv
from rec_assets_tests.defs.test_automation import Ticks
from rec_assets_tests.store.s3_server import SECRET


def upload(folder: Path, url: str) -> None:
    for path in folder.rglob("*"):
        if path.is_file():
            (place(url) / str(path.relative_to(folder))).write_bytes(path.read_bytes())


@pytest.fixture
def playlists(tmp_path: Path) -> Path:
    """A folder with files of several kinds, two of the same name, and some that are no playlists."""
    folder = tmp_path / "playlists"
    for number, name in enumerate(("list 10.csv", "list 2.csv", "2016/list 2.csv")):
        path = folder / name
        path.parent.mkdir(exist_ok=True, parents=True)
        write_unescaped_csv(path, made_rows(seed=number))
    inner = write_unescaped_csv(tmp_path / "zipped.csv", made_rows(seed=7))
    with zipfile.ZipFile(folder / "packed.zip", "w") as archive:
        archive.write(inner, "zipped.csv")
    with (folder / "list 2.csv").open("a") as file:
        file.write("a line that is none\n")
    (folder / "notes.md").write_text("no playlists")
    (folder / ".hidden.csv").write_text("nor these")
    return folder


def rows_of(project: Project, source: str) -> tuple[list[bytes], dict[str, Any]]:
    """The stored files, and the metadata."""
    result = project.materialize(["raw_playlists"], {"raw_playlists": {"source": source, "max_reject_share": 1.0}})
    (event,) = result.get_asset_materialization_events()
    found = {name: entry.value for name, entry in event.materialization.metadata.items()}
    return [path.read_bytes() for path in sorted(project.store.glob("raw_playlists*"))], found


@pytest.mark.parametrize("named", ["", "/*.csv", "/list 2.csv", "/packed.zip"])
def test_objects_are_read_as_files_are_to_the_byte(base: str, playlists: Path, project: Project, named: str) -> None:
    url = f"{base}/playlists"
    upload(playlists, url)
    on_disk, told_on_disk = rows_of(project, f"{playlists}{named}")
    in_bucket, told = rows_of(project, url + named)

    assert in_bucket == on_disk
    for name in ("source_files", "left_out_files"):
        assert told[name] == [one.replace(str(playlists), url) for one in told_on_disk[name]]


def test_the_sensor_sees_an_object_that_was_written_again(
    base: str, project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = place(f"{base}/lists.csv")
    monkeypatch.setenv("REC_ASSETS_SOURCE", str(target))
    ticks = Ticks(project.instance)
    for seed in (1, 2):
        write_unescaped_csv(project.source, made_rows(seed=seed))
        target.write_bytes(project.source.read_bytes())
        assert f"{target} changed; waiting" in ticks.skipped()
        ticks.requested()
        assert f"{target} did not change" in ticks.skipped()


def test_what_is_not_there_or_has_no_room_is_named(
    base: str, tmp_path: Path, playlists: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upload(playlists, f"{base}/playlists")
    (place(base) / "other" / "notes.md").write_text("no playlists")
    for location, said in (
        ("s3://nowhere/lists", "s3://nowhere/lists cannot be opened: The specified bucket does not exist"),
        (f"{base}/playlist", f"{base}/playlist is no object and holds no file that ends in .csv"),
        (f"{base}/other/", f"ends in .csv, .* but {base}/other/notes.md. Set `source` to playlist files"),
        (f"{base}/*.parquet", "no object matches the pattern 's3://"),
    ):
        with pytest.raises(SourceError, match=said):
            find_source(location)
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=10))
    with pytest.raises(StoreError, match=f"source {base}/playlists is .* Set the environment variable TMPDIR"):
        find_source(f"{base}/playlists").fetch(tmp_path)


@pytest.mark.parametrize("open_it", [storage_base, find_source])
def test_credentials_in_a_url_are_refused_and_not_repeated(open_it: Callable[[str], object]) -> None:
    with pytest.raises(SettingsError, match="AWS_ACCESS_KEY_ID") as raised:
        open_it(f"s3://key:{SECRET}@bucket/prefix")
    assert SECRET not in str(raised.value)
