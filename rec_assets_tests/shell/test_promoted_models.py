"""Versions of the promoted model: readers see one or the other, and the way back."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from rec_assets.serving.main import main
from rec_assets.serving.printable import printable
from rec_assets.core.base.errors import StoreError
from rec_assets.core.promoted import recommend_after
from rec_assets.store.atomic import TEMPORARY_PREFIX
from rec_assets.store.promoted_models import FOLDER, POINTER, PromotedModels, kept_versions
from rec_assets_tests.core.made_promoted import built

KILLS = 8
NOTE = "playlist_recommendations are still those of another version until they are materialized again."


@pytest.fixture
def models(tmp_path: Path) -> PromotedModels:
    models = PromotedModels(str(tmp_path))
    for version in (1, 2):
        models.add(built(version=version, seed=version, hit_rate=version / 10))
        models.point_to(version, by="test")
    return models


def command(models: PromotedModels, *words: str) -> Result:
    return CliRunner().invoke(main, [words[0], "--storage", models.base, *words[1:]])


def test_the_version_pointed_to_is_what_readers_open(models: PromotedModels) -> None:
    assert models.open_current().facts["version"] == 2
    models.point_to(1, by="hand")

    current = models.current()
    assert models.open_current().facts["version"] == 1
    assert current is not None
    assert (current["kept"], current["promoted_by"], current["hit_rate"]) == ([2, 1], "hand", 0.1)
    assert models.next_version() == 3


def test_nothing_promoted_and_an_unknown_version_are_said(models: PromotedModels, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no model is promoted in .*Run training_job first"):
        PromotedModels(str(tmp_path / "empty")).open_current()
    with pytest.raises(StoreError, match=r"version 9 is not in .*; there are 1, 2"):
        models.point_to(9, by="hand")


def test_a_damaged_version_is_not_promoted(models: PromotedModels, tmp_path: Path) -> None:
    file = tmp_path / FOLDER / "v0001.safetensors"
    content = bytearray(file.read_bytes())
    content[-50] ^= 1
    file.write_bytes(content)

    with pytest.raises(StoreError, match="damaged"):
        models.point_to(1, by="hand")
    assert models.open_current().facts["version"] == 2


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"version": "x", "kept": [], "lineage": {}}', "[" * 100_000])
def test_a_damaged_pointer_names_itself_and_the_way_out(models: PromotedModels, tmp_path: Path, content: str) -> None:
    (tmp_path / POINTER).write_text(content)

    with pytest.raises(StoreError, match=rf"{POINTER} does not say which model.* rec-assets promote"):
        models.open_current()
    assert models.next_version() == 3
    assert "none of them is current" in command(models, "promote").output
    assert command(models, "promote", "1").exit_code == 0
    current = models.current()
    assert current is not None
    assert (current["version"], current["kept"]) == (1, [2, 1])


def test_without_a_pointer_no_version_is_forgotten(models: PromotedModels, tmp_path: Path) -> None:
    (tmp_path / POINTER).unlink()

    assert (models.known(), models.next_version()) == ([1, 2], 3)
    assert models.point_to(2, by="hand")["kept"] == [1, 2]


def test_a_version_that_cannot_be_used_does_not_hide_the_others(models: PromotedModels, tmp_path: Path) -> None:
    (tmp_path / FOLDER / "v0001.safetensors").write_bytes(b"cut off")

    listed = command(models, "promote").output
    assert "1  cannot be used: " in listed
    assert "*       2" in listed


def test_the_last_promoted_versions_are_kept_the_one_that_readers_are_on_longest() -> None:
    assert kept_versions([], 1, count=3) == [1]
    assert kept_versions([1, 2, 3], 4, count=3) == [2, 3, 4]
    assert kept_versions([3, 7], 8, count=1) == [8]
    back = kept_versions([1, 2, 3], 1)
    assert back == [2, 3, 1]
    assert kept_versions(back, 4, count=3) == [3, 1, 4]


def test_a_version_is_never_written_twice(models: PromotedModels) -> None:
    with pytest.raises(StoreError, match=r"v0002\.safetensors is there already: another run promotes"):
        models.add(built(version=2, seed=9))


def test_other_versions_are_removed_while_a_reader_goes_on(models: PromotedModels) -> None:
    reader = models.open(1)

    assert models.remove_all_but([2]) == [1]
    assert models.stored() == [2]
    assert len(recommend_after(reader, [1], k=3)) == 3


def test_readers_never_fail_while_versions_come_and_go(models: PromotedModels) -> None:
    stop, seen, failures = threading.Event(), set(), []

    def read() -> None:
        while not stop.is_set():
            try:
                model = models.open_current()
                seen.add(model.facts["version"])
                assert len(recommend_after(model, [1, 2], k=5)) == 5
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what this test looks for
                failures.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for version in range(3, 23):
        models.add(built(version=version))
        models.point_to(version, by="test")
        models.remove_all_but([version - 1, version])
    stop.set()
    for reader in readers:
        reader.join()

    assert failures == []
    assert len(seen) > 3


WRITER = """
import sys
from dataclasses import replace
from rec_assets.store.promoted_models import PromotedModels
from rec_assets_tests.core.made_promoted import built
models, model = PromotedModels(sys.argv[1]), built()
print("ready", flush=True)
while True:
    version = models.next_version()
    models.add(replace(model, facts={**model.facts, "version": version}))
    models.point_to(version, by="writer")
    models.remove_all_but([version - 1, version])
"""


@pytest.mark.slow
def test_a_writer_that_is_killed_leaves_a_whole_model(models: PromotedModels, tmp_path: Path) -> None:
    draw, versions = random.Random(0), []
    for _ in range(KILLS):
        with subprocess.Popen([sys.executable, "-c", WRITER, models.base], stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(draw.uniform(0, 0.2))
            os.kill(writer.pid, signal.SIGKILL)
        current = models.current()
        assert current is not None
        versions.append(models.open(current["version"], verify=True).facts["version"])
        assert versions[-1] == current["version"]

    assert versions == sorted(versions)
    assert versions[-1] > KILLS, "the writer never got far enough to be interrupted"
    models.add(built(version=models.next_version()))
    models.point_to(models.stored()[-1], by="test")
    assert len([path for path in tmp_path.rglob(f"{TEMPORARY_PREFIX}*") if POINTER in path.name]) == 0


def test_promote_lists_the_versions_and_goes_back_to_one(models: PromotedModels) -> None:
    listed = command(models, "promote").output
    assert "*       2" in listed
    assert " 0.1000 " in listed

    done = command(models, "promote", "1")
    assert (done.exit_code, done.output) == (0, f"version 1 is promoted: hit rate@7 0.1000, ranker\n{NOTE}\n")
    assert "*       1" in command(models, "promote").output
    refused = command(models, "promote", "5")
    assert refused.exit_code == 1
    assert "version 5 is not in" in refused.output


def test_recommend_prints_names_and_why(models: PromotedModels) -> None:
    done = command(models, "recommend", "Artist 3", "Track 12", "-k", "4", "--why")

    assert done.exit_code == 0, done.output
    assert [
        line.split(".")[0].strip() for line in done.output.splitlines() if "  Artist" in line and "with" not in line
    ] == list("1234")
    assert "with Artist 3 – Track 12: " in done.output
    assert "playlists in common" in done.output


def test_recommend_prints_json(models: PromotedModels) -> None:
    done = command(models, "recommend", "Artist 3", "Track 12", "Artist 4", "Track 17", "-k", "3", "--json")

    document = json.loads(done.stdout)
    assert document["version"] == 2
    expected = recommend_after(models.open(2), [12, 17], k=3)
    assert [(one["artist"], one["track"]) for one in document["recommendations"]] == [
        (one.artist, one.track) for one in expected
    ]


def test_a_misspelt_name_is_taken_for_what_it_resembles_and_told(models: PromotedModels) -> None:
    done = command(models, "recommend", "Artsit 3", "Trakc 12", "-k", "2")

    assert done.exit_code == 0, done.output
    assert "Artsit 3 – Trakc 12: taken for Artist 3 – Track 12" in done.stderr


def test_an_unknown_track_is_an_error_with_what_is_near(models: PromotedModels) -> None:
    done = command(models, "recommend", "Artist 3", "Something Else")
    assert done.exit_code == 1
    assert "no track Artist 3 – Something Else. Did you mean\n    Artist 3 – Track" in done.output

    done = command(models, "recommend", "qqq", "zzzzz")
    assert done.exit_code == 1
    assert "Nothing is spelt like it" in done.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "expected 1 to 10,000 tracks, found 0"),
        (["Artist 3"], "expected pairs of ARTIST and TRACK, found 1 names"),
        (["Artist 3", "Track 12", "-k", "0"], "0 is not in the range"),
    ],
)
def test_wrong_usage_is_told(models: PromotedModels, words: list[str], told: str) -> None:
    done = command(models, "recommend", *words)

    assert done.exit_code == 2
    assert told in done.output


def test_a_playlist_file_asks_in_its_order_and_leaves_out_what_is_unknown(models: PromotedModels) -> None:
    file = Path(models.base) / "mine.csv"
    file.write_text('artist,track\nArtist 3,Track 12\n\nqqq,zzzzz\n"Artist 4",Track 17\n', encoding="utf-8-sig")

    done = command(models, "recommend", "--playlist", str(file), "-k", "3", "--json")

    assert json.loads(done.stdout) == json.loads(
        command(models, "recommend", "Artist 3", "Track 12", "Artist 4", "Track 17", "-k", "3", "--json").stdout
    )
    assert "left out: no track qqq – zzzzz" in done.stderr
    # What is named on the command line is meant.
    assert command(models, "recommend", "--playlist", str(file), "qqq", "zzzzz").exit_code == 1


def test_names_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b[31m\tb \n c\x9b") == "a\ufffd[31m b c\ufffd"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"Artist 3,Track 12\n\nArtist 3\n", "line 3: expected artist,track, found 1 fields"),
        (b"\xff\xfe", "Save it as CSV in UTF-8"),
        (b"", "expected 1 to 10,000 tracks, found 0"),
        (b"qqq,zzzzz\n", "no track qqq"),
    ],
)
def test_a_playlist_file_that_cannot_be_used_is_told(models: PromotedModels, content: bytes, told: str) -> None:
    file = Path(models.base) / "mine.csv"
    file.write_bytes(content)

    done = command(models, "recommend", "--playlist", str(file))

    assert done.exit_code != 0
    assert told in done.output


def test_recommend_without_a_model_says_how_to_get_one(tmp_path: Path) -> None:
    done = command(PromotedModels(str(tmp_path)), "recommend", "a", "b")

    assert done.exit_code == 1
    assert "no model is promoted" in done.output


def test_recommend_imports_neither_dagster_nor_gensim_nor_what_is_slow(models: PromotedModels) -> None:
    program = (
        "import sys\nfrom rec_assets.serving.main import main\n"
        f"main(['recommend', '--storage', {models.base!r}, 'Artist 3', 'Track 12'], standalone_mode=False)\n"
        "print(sorted({'dagster', 'gensim', 'pandas', 'sklearn', 'matplotlib', 'lightgbm'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"
