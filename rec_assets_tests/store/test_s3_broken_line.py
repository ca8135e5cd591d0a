"""A line to S3 that breaks or is slow; without this an object could be left torn, or a run could hang or be lost."""

import random
import time
from pathlib import Path

import fsspec.config
import pytest
from upath import UPath

from rec_assets.core.base.seal import read_json, verify_seal
from rec_assets.store.asset_store import AssetStore
from rec_assets.store.atomic import atomic_file, download
from rec_assets.store.io_manager import is_transient
from rec_assets.store.places import place
from rec_assets.store.stamps import Stamp
from rec_assets_tests.store.s3_server import BUCKET, KEY, SECRET, Line, objects
from rec_assets_tests.store.stored_values import LINEAGE, open_store

s3 = pytest.importorskip("rec_assets.store.s3", reason="needs the `s3` extra")

NAME, PADDING = "test_hit_rate", "x" * 400_000
CUTS = range(8)


def cut_somewhere(line: Line, seed: int, size: int) -> None:
    """In the middle of a request or an answer of ``size`` bytes, so that an idle connection's own retry fails, too."""
    line.dead = 2
    line.left = random.Random(seed).randrange(size + 1_500)


def one_try_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")


def stored_number(base: str, endpoint: str, folder: Path) -> int:
    """The number in the only object, whose bytes are whole."""
    (content,) = objects(base, endpoint).values()
    (folder / "found.json").write_bytes(content)
    verify_seal(folder / "found.json")
    return read_json(folder / "found.json")["number"]


def write(store: AssetStore, number: int) -> None:
    store.write(NAME, {"number": number, "padding": PADDING}, LINEAGE)


def test_uploads_that_are_cut_leave_the_old_object_or_the_new_one_and_the_retry_succeeds(
    base: str, endpoint: str, line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_try_each(monkeypatch)
    broken = 0
    with open_store(base) as store:
        write(store, -1)
        for number in CUTS:
            cut_somewhere(line, number, len(PADDING))
            try:
                write(store, number)
            except s3.UnreachableError as error:
                broken += is_transient(error)
            line.left, line.dead = None, 0
            assert stored_number(base, endpoint, tmp_path) in (number - 1, number)
            write(store, number)
            assert stored_number(base, endpoint, tmp_path) == number
    assert broken >= len(CUTS) - 2


def test_downloads_that_are_cut_give_no_torn_file_and_the_retry_succeeds(
    base: str, line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_try_each(monkeypatch)
    broken = 0
    with open_store(base) as store:
        write(store, 1)
    for number in CUTS:
        with open_store(base) as store:  # with no copy of the object
            cut_somewhere(line, 100 + number, len(PADDING))
            try:
                assert store.read(NAME, dict)["number"] == 1
            except s3.UnreachableError as error:
                broken += is_transient(error)
            line.left, line.dead = None, 0
            assert store.read(NAME, dict)["number"] == 1
    assert broken >= len(CUTS) - 2


def test_uploads_in_parts_that_are_cut_leave_no_parts(
    base: str, line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_try_each(monkeypatch)
    monkeypatch.setattr(s3, "LARGEST_PUT", 1 << 20)
    monkeypatch.setattr(s3, "_PART", 5 << 20)  # the least that S3 takes
    target = place(f"{base}/large.bin")
    target.write_bytes(b"old")
    contents = [bytes([number]) * (11 << 20) for number in range(4)]

    def upload(content: bytes) -> None:
        with atomic_file(target, tmp_path) as temporary:
            temporary.write_bytes(content)

    old = b"old"
    for number, content in enumerate(contents):
        cut_somewhere(line, 200 + number, len(content))
        with pytest.raises(s3.UnreachableError, match=r"Tried 1 times \(AWS_MAX_ATTEMPTS\)"):
            upload(content)
        line.left, line.dead = None, 0
        assert target.read_bytes() == old
        assert target.fs.call_s3("list_multipart_uploads", Bucket=BUCKET).get("Uploads", []) == []
        upload(content)
        old = content
    assert target.read_bytes() == old


def test_a_download_goes_on_where_it_broke_and_begins_again_where_the_object_was_replaced(
    base: str, line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, old = place(f"{base}/large.bin"), random.Random(0).randbytes(3 << 20)
    target.write_bytes(old)
    ranges, replacements, call = [], [], s3.S3Files._call_s3

    async def watched(self: s3.S3Files, method: str, *args: object, **asked: object) -> object:
        if "Range" in asked:
            ranges.append(asked["Range"])
            for new in replacements:
                await call(self, "put_object", Bucket=asked["Bucket"], Key=asked["Key"], Body=new)
        return await call(self, method, *args, **asked)

    monkeypatch.setattr(s3.S3Files, "_call_s3", watched)
    for expected in (old, old[::-1]):
        replacements += [expected] * (expected != old)
        line.left = 2 << 20
        download(target, tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == expected
    assert len(ranges) == 2
    assert 1 << 20 < int(ranges[0].strip("bytes=-")) <= 2 << 20


def test_a_conditional_upload_that_is_cut_is_no_other_promotion(
    base: str, line: Line, endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_try_each(monkeypatch)
    target, size = place(f"{base}/pointer.json"), 40_000
    stamp = Stamp.of(target)

    def cut(self: Stamp, target: UPath) -> bool:
        line.dead, line.left = 2, size // 2
        return True

    monkeypatch.setattr(Stamp, "_is_still", cut)
    with pytest.raises(s3.UnreachableError), atomic_file(target, tmp_path, over=stamp) as temporary:
        temporary.write_bytes(bytes(size))
    assert objects(base, endpoint) == {}


def test_an_endpoint_without_an_answer_is_tried_so_many_times_and_named_with_no_secret(
    base: str, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "3")
    line.dead = 100
    with open_store(base) as store, pytest.raises(s3.UnreachableError) as raised:
        store.read(NAME, dict)
    said = str(raised.value)
    assert f"{base}/{NAME}.json cannot be reached: " in said
    assert line.url in said
    assert "Tried 3 times (AWS_MAX_ATTEMPTS)" in said
    assert 3 <= line.connections <= 6  # what was an idle connection, the library below tries twice
    assert KEY not in said
    assert SECRET not in said


def test_a_slow_endpoint_is_waited_for_while_bytes_come_and_no_longer(
    base: str, line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one_try_each(monkeypatch)
    monkeypatch.setitem(fsspec.config.conf, "s3", {"config_kwargs": {"read_timeout": 1}})
    target = place(f"{base}/slow.bin")
    target.write_bytes(b"x" * (1 << 20))
    line.pause = 0.1
    download(target, tmp_path / "copy")
    assert (tmp_path / "copy").stat().st_size == 1 << 20

    line.pause, begun = 2.5, time.monotonic()
    with pytest.raises(s3.UnreachableError, match="1 s without a byte"):
        target.exists()
    assert time.monotonic() - begun < 4
    assert isinstance(UPath(base).fs, type(target.fs)) is False  # what others do with S3 in this process is theirs
