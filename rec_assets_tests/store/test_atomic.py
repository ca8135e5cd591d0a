"""Atomic writing; without this a crash could leave half a file, or a sweep take what another process is writing."""

import os
import signal
import socket
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from upath import UPath

from rec_assets.core.base.errors import StoreError
from rec_assets.store import atomic
from rec_assets.store.atomic import TEMPORARY_PREFIX, atomic_file
from rec_assets.store.temporary import SCRATCH_PREFIX, ScratchFolder, create_owned, remove_abandoned


@pytest.fixture
def target(tmp_path: Path) -> UPath:
    (tmp_path / "store").mkdir()
    return UPath(tmp_path / "store" / "figures.json")


def write(target: UPath, text: str) -> None:
    with atomic_file(target, Path("unused")) as temporary:
        temporary.write_text(text)


def temporaries(target: UPath) -> list[Path]:
    return list(Path(target.path).parent.glob(f"{TEMPORARY_PREFIX}*"))


@contextmanager
def other_process(work: Callable[[], None]) -> Iterator[int]:
    """A process that does ``work`` and then waits to be killed, which it is at the end of the block."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os.write(writer, b"done")
            time.sleep(60)
        finally:
            os._exit(0)
    os.close(writer)
    try:
        assert os.read(reader, 4) == b"done"
        yield pid
    finally:
        os.close(reader)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def begin_to_write(target: UPath) -> None:
    """Half a write; the descriptor of the lock stays open until the process ends."""
    held.append(atomic_file(target, Path("unused")))
    held[-1].__enter__().write_text("half")


held: list = []


@pytest.mark.parametrize(
    "error",
    [ValueError("bad row"), MemoryError(), StoreError("rows.parquet: Permission denied"), KeyboardInterrupt()],
)
def test_an_error_leaves_the_old_file_and_no_other(target: UPath, error: BaseException) -> None:
    write(target, "old")

    def fail() -> None:
        with atomic_file(target, Path("unused")) as temporary:
            temporary.write_text("half")
            raise error

    with pytest.raises(type(error)) as raised:
        fail()

    assert raised.value is error
    assert target.read_text() == "old"
    assert temporaries(target) == []


def test_the_new_content_replaces_the_old_which_who_has_it_open_goes_on_reading(target: UPath) -> None:
    write(target, "old")
    with target.open() as reader:
        write(target, "new")
        assert reader.read() == "old"
    assert target.read_text() == "new"
    assert temporaries(target) == []


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o002])
def test_permissions_are_those_of_an_ordinary_file(target: UPath, umask: int) -> None:
    before = os.umask(umask)
    try:
        write(target, "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE(target.stat().st_mode) == 0o666 & ~umask


def test_a_full_disk_is_a_clear_error_and_keeps_the_old_file(target: UPath) -> None:
    write(target, "old")
    with (
        pytest.raises(StoreError, match=r"cannot write .*figures\.json: No space left.*untouched"),
        atomic_file(target, Path("unused")),
    ):
        raise OSError(28, "No space left on device")
    assert target.read_text() == "old"


def test_what_a_killed_writer_left_is_swept_by_the_next_one(target: UPath) -> None:
    write(target, "old")
    with other_process(lambda: begin_to_write(target)):
        assert len(temporaries(target)) == 1

    assert len(temporaries(target)) == 1
    assert target.read_text() == "old"
    write(target, "new")
    assert temporaries(target) == []


def test_what_another_process_is_writing_is_left_alone(target: UPath) -> None:
    with other_process(lambda: begin_to_write(target)):
        write(target, "ours")
        assert len(temporaries(target)) == 1
        assert target.read_text() == "ours"


def test_what_another_thread_of_this_process_is_writing_is_left_alone(target: UPath) -> None:
    with atomic_file(target, Path("unused")) as outer:
        outer.write_text("outer")
        write(target, "inner")
        assert target.read_text() == "inner"
    assert target.read_text() == "outer"


def test_a_leftover_whose_process_id_is_in_use_again_is_swept(target: UPath) -> None:
    leftover = _leftover(target, socket.gethostname(), os.getpid())
    write(target, "new")
    assert not leftover.exists()


@pytest.mark.parametrize(("hours", "swept"), [(0, False), (23, False), (25, True)])
def test_of_another_machine_only_what_is_old_is_swept(target: UPath, hours: float, swept: bool) -> None:
    leftover = _leftover(target, "another-machine", 1)
    then = time.time() - hours * 3600
    os.utime(leftover, (then, then))

    write(target, "new")

    assert leftover.exists() != swept


def test_a_file_that_is_being_written_is_never_too_old(target: UPath) -> None:
    with other_process(lambda: begin_to_write(target)):
        (leftover,) = temporaries(target)
        os.utime(leftover, (0, 0))
        write(target, "ours")
        assert leftover.exists()


def test_leftovers_of_other_files_are_left_to_their_writers(target: UPath) -> None:
    leftover = _leftover(UPath(target.parent / "more.json"), socket.gethostname(), 1)
    write(target, "new")
    assert leftover.exists()


def test_a_file_system_without_locks_goes_by_age(target: UPath, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, how: int) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr("fcntl.flock", refuse)
    young, old = (_leftover(target, socket.gethostname(), pid) for pid in (1, 2))
    os.utime(old, (0, 0))

    write(target, "new")

    assert target.read_text() == "new"
    assert young.exists()
    assert not old.exists()


def test_a_file_swept_before_it_was_locked_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "x"
    made = []

    def create(path: Path) -> None:
        path.touch()
        made.append(path)
        if len(made) == 1:
            remove_abandoned(path)

    os.close(create_owned(path, create))

    assert path.exists()
    assert len(made) == 2


def test_the_scratch_folder_of_a_killed_process_is_swept_and_that_of_a_living_one_is_not(tmp_path: Path) -> None:
    def folders() -> set[Path]:
        return set(tmp_path.glob(f"{SCRATCH_PREFIX}*"))

    def use() -> None:
        held.append(ScratchFolder(str(tmp_path)))
        (held[-1].path / "spill").mkdir()
        (held[-1].path / "spill" / "block").write_bytes(b"x" * 1000)

    with other_process(use):
        theirs = folders()
        mine = ScratchFolder(str(tmp_path))
        assert folders() == theirs | {mine.path}
        mine.close()
        assert folders() == theirs
    assert folders() == theirs
    mine = ScratchFolder(str(tmp_path))
    assert folders() == {mine.path}
    mine.close()
    assert folders() == set()


def test_a_users_folder_is_no_scratch_folder(tmp_path: Path) -> None:
    (tmp_path / "rec_assets_data").mkdir()
    ScratchFolder(str(tmp_path)).close()
    assert (tmp_path / "rec_assets_data").is_dir()


def test_an_object_is_uploaded_once_and_whole(tmp_path: Path) -> None:
    target = UPath("memory://bucket/figures.json")
    with atomic_file(target, tmp_path) as temporary:
        assert temporary.parent == tmp_path
        temporary.write_text("new")
        assert not target.exists()
    assert target.read_text() == "new"
    assert list(tmp_path.iterdir()) == []


def _leftover(target: UPath, host: str, pid: int) -> Path:
    path = Path(target.path).parent / f"{TEMPORARY_PREFIX}{host}-{pid}-{'0' * 32}-{target.name}"
    path.write_text("half")
    return path


def test_the_name_of_a_temporary_file_has_host_and_process(target: UPath) -> None:
    with atomic_file(target, Path("unused")) as temporary:
        assert temporary.name.startswith(f"{atomic.TEMPORARY_PREFIX}{socket.gethostname()}-{os.getpid()}-")
