"""Versions of the promoted model; without this readers could meet half a version, or none, or lose the way back."""

import os
import random
import shutil
import signal
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from rec_assets.core.base.errors import StoreError
from rec_assets.core.promoted.recommendations import recommend_after
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.serving.http.current import CurrentModel
from rec_assets.store import verified
from rec_assets.store.atomic import TEMPORARY_PREFIX
from rec_assets.store.promoted_models import FOLDER, POINTER, PromotedModels, kept_versions
from rec_assets_tests.core.promoted.small_promoted import add_version, fitted
from rec_assets_tests.store.stored_values import flip_bit

KILLS = 8


def file_of(promoted: PromotedModels, version: int) -> Path:
    return Path(promoted.base) / FOLDER / f"v{version:04d}.safetensors"


def test_the_version_pointed_to_is_what_readers_open(promoted: PromotedModels) -> None:
    assert promoted.open_current().facts["version"] == 2
    promoted.point_to(1, by="hand")

    current = promoted.current()
    assert promoted.open_current().facts["version"] == 1
    assert current is not None
    assert (current["kept"], current["promoted_by"], current["hit_rate"]) == ([2, 1], "hand", 0.1)
    assert promoted.next_version() == 3


def test_nothing_promoted_and_an_unknown_version_are_said(promoted: PromotedModels, tmp_path: Path) -> None:
    empty = tmp_path / "empty one"
    with pytest.raises(StoreError, match=r"empty one does not exist\. Name the folder of a store, or run training_job"):
        PromotedModels(str(empty)).open_current()
    empty.mkdir()
    with pytest.raises(StoreError, match=r"no model is promoted in .*empty one\. Run training_job \(make run\) first"):
        PromotedModels(str(empty)).open_current()
    (empty / "promotion_decision.json").write_text("{}")
    with pytest.raises(StoreError, match=r"See why: rec-assets summary --storage '.*empty one'$"):
        PromotedModels(str(empty)).open_current()
    with pytest.raises(StoreError, match=r"version 9 is not in .*; there are 1, 2"):
        promoted.point_to(9, by="hand")


def test_a_damaged_pointer_names_itself_and_the_way_out(promoted: PromotedModels) -> None:
    flip_bit(Path(promoted.base) / POINTER, 99)

    with pytest.raises(StoreError, match=rf"{POINTER} is damaged.*rec-assets promote"):
        promoted.open_current()
    assert promoted.next_version() == 3
    assert promoted.point_to(1, by="hand")["kept"] == [2, 1]
    assert promoted.open_current().facts["version"] == 1


def test_without_a_pointer_no_version_is_forgotten(promoted: PromotedModels) -> None:
    (Path(promoted.base) / POINTER).unlink()

    assert (promoted.known(), promoted.next_version()) == ([1, 2], 3)
    assert promoted.point_to(2, by="hand")["kept"] == [1, 2]


def test_a_file_of_another_version_under_this_name_is_refused(promoted: PromotedModels) -> None:
    shutil.copy(file_of(promoted, 1), file_of(promoted, 2))
    shutil.copy(file_of(promoted, 1), file_of(promoted, 9))

    for version in (2, 9):
        for use in (promoted.open, promoted.facts, lambda number: promoted.point_to(number, by="hand")):
            with pytest.raises(
                StoreError, match=rf"v000{version}\.safetensors holds version 1, not {version}\. Choose"
            ):
                use(version)
    serving = CurrentModel(promoted)
    serving.look()
    assert serving.served is None
    assert "holds version 1, not 2" in str(serving.problem)


@pytest.fixture
def read_in_full(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files of which every byte was read, one after the other; nothing is remembered at first."""
    read: list[str] = []

    def verify_seal(path: Path) -> None:
        read.append(path.name)
        real(path)

    real = verified.verify_seal
    monkeypatch.setattr(verified, "verify_seal", verify_seal)
    monkeypatch.setattr(verified, "_seen", set())
    return read


def test_a_version_is_read_in_full_once_and_again_when_it_was_changed(
    promoted: PromotedModels, read_in_full: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = file_of(promoted, 2)
    for _ in range(2):
        promoted.open_current()
        monkeypatch.setattr(verified, "_seen", set())  # as in another process
        promoted.open_current()
    assert read_in_full.count(file.name) == 1

    time.sleep(0.02)  # the clock of a file system is coarse
    flip_bit(file, 4 * file.stat().st_size)
    for _ in range(2):
        with pytest.raises(StoreError, match="is damaged"):
            promoted.open_current()
    assert read_in_full.count(file.name) == 3


def test_who_promotes_and_who_asks_for_it_reads_in_full_each_time(
    promoted: PromotedModels, read_in_full: list[str]
) -> None:
    promoted.open(2)
    uses: list[Callable[[], Any]] = [
        lambda: promoted.open(2, again=True),
        lambda: promoted.open_current(again=True),
        lambda: promoted.point_to(2, by="hand"),
    ]
    for number, use in enumerate(uses * 2, start=2):
        use()
        assert read_in_full.count("v0002.safetensors") == number


def test_without_a_home_that_can_be_written_to_each_process_reads_for_itself(
    promoted: PromotedModels, read_in_full: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    promoted.open_current()
    promoted.open_current()
    monkeypatch.setattr(verified, "_seen", set())
    promoted.open_current()

    assert read_in_full.count("v0002.safetensors") == 2


def test_the_last_promoted_versions_are_kept_the_one_that_readers_are_on_longest() -> None:
    assert kept_versions([], 1, count=3) == [1]
    assert kept_versions([1, 2, 3], 4, count=3) == [2, 3, 4]
    assert kept_versions([3, 7], 8, count=1) == [8]
    back = kept_versions([1, 2, 3], 1)
    assert back == [2, 3, 1]
    assert kept_versions(back, 4, count=3) == [3, 1, 4]


def test_a_version_is_never_written_twice(promoted: PromotedModels) -> None:
    with pytest.raises(StoreError, match=r"v0002\.safetensors is there already: another run promotes"):
        add_version(promoted, 2)


def test_of_promotions_at_once_one_is_made_and_the_others_are_told(promoted: PromotedModels) -> None:
    start, told = promoted.stamp(), []

    def promote(writer: int) -> None:
        try:
            promoted.point_to(1 + writer % 2, by=str(writer), over=start)
        except StoreError as error:
            told.append(str(error))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(promote, range(8)))
    assert len(told) == 7
    assert all("another promotion came first" in text for text in told)


def test_a_store_of_another_kind_has_promotions_too_and_the_second_at_once_is_told(tmp_path: Path) -> None:
    models = PromotedModels("memory://promotions", tmp_path)
    start = models.stamp()
    for version in (1, 2):
        add_version(models, version)
        models.point_to(version, by="hand")

    assert models.open_current().facts["version"] == 2
    with pytest.raises(StoreError, match="another promotion came first"):
        models.point_to(1, by="hand", over=start)


def test_other_versions_are_removed_while_a_reader_goes_on(promoted: PromotedModels) -> None:
    reader = promoted.open(1)

    assert promoted.remove_all_but([2]) == [1]
    assert promoted.stored() == [2]
    assert len(recommend_after(reader, [1], k=3)) == 3


def test_readers_never_fail_while_versions_come_and_go(promoted: PromotedModels) -> None:
    recommend_after(promoted.open_current(), [1, 2], k=5)  # loops are compiled before, not meanwhile
    stop, seen, failures = threading.Event(), set(), []

    def read() -> None:
        while not stop.is_set():
            try:
                model = promoted.open_current()
                seen.add(model.facts["version"])
                assert len(recommend_after(model, [1, 2], k=5)) == 5
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what this test looks for
                failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for version in range(3, 15):
        add_version(promoted, version)
        promoted.point_to(version, by="test")
        promoted.remove_all_but([version - 1, version])
    stop.set()
    for reader in readers:
        reader.join()

    assert failures == []
    assert len(seen) > 3


def write_on(models: PromotedModels, recommender: Recommender) -> None:
    """Versions one after the other, until somebody ends the process."""
    while True:
        version = models.next_version()
        add_version(models, version, recommender)
        models.point_to(version, by="writer")
        models.remove_all_but([version - 1, version])


def test_a_writer_that_is_killed_leaves_a_whole_model(promoted: PromotedModels) -> None:
    draw, versions = random.Random(0), []
    recommender = fitted(strategy="item_knn", fitted="chosen")  # LightGBM's threads do not survive a fork
    for _ in range(KILLS):
        pid = os.fork()
        if pid == 0:
            try:
                write_on(promoted, recommender)
            finally:
                os._exit(1)
        time.sleep(draw.uniform(0, 0.2))
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        versions.append(promoted.open_current(again=True).facts["version"])

    assert versions == sorted(versions)
    assert versions[-1] > KILLS, "the writer never got far enough to be interrupted"
    version = promoted.next_version()
    add_version(promoted, version)
    promoted.point_to(version, by="test")
    assert not [path for path in Path(promoted.base).glob(f"{TEMPORARY_PREFIX}*") if POINTER in path.name]
