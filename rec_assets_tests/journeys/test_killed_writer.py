"""Without this a training killed in a write could leave a torn file, or leftovers that fill the disk.

``python -m rec_assets_tests.journeys.test_killed_writer 64`` kills 64 trainings, each of which finds what the one
before left, and counts.
"""

import importlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

import dagster as dg
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from rec_assets.core.base.seal import verify_seal
from rec_assets.store import atomic
from rec_assets.store.atomic import TEMPORARY_PREFIX
from rec_assets.store.promoted_models import PromotedModels
from rec_assets.store.temporary import SCRATCH_PREFIX
from rec_assets_tests.conftest import SMALL, Project, made_rows, write_unescaped_csv
from rec_assets_tests.journeys.dagster_processes import CHECKOUT

# What is being written when the process is killed: every format, from the first step to the last.
TARGETS = (
    "raw_playlists.parquet", "track_embeddings.safetensors", "recommender.safetensors", "validation_hit_rate.json",
    "recommendation_report.html", "promoted_models/v*.safetensors", "promoted_model.json",
    "playlist_recommendations.parquet",
)  # fmt: skip
CHEAP = {**SMALL, "ranker_trees": 2, "recommended_tracks": 2}
PATIENCE = 60


@dataclass
class Folder:
    """What parent and child agree on."""

    root: Path

    @property
    def store(self) -> Path:
        return self.root / "store"

    @property
    def temporary(self) -> Path:
        return self.root / "temporary"

    def project(self, instance: dg.DagsterInstance, seed: int) -> Project:
        source = self.root / f"playlists-{seed}.csv"
        if not source.exists():
            write_unescaped_csv(source, made_rows(seed=seed))
        return Project(self.root, instance, source)

    def leftovers(self) -> list[Path]:
        return list(self.root.glob(f"store/**/{TEMPORARY_PREFIX}*"))

    def scratch_folders(self) -> list[Path]:
        return list(self.temporary.glob(f"{SCRATCH_PREFIX}*"))


def train(folder: Folder, seed: int) -> None:
    """One training_job on one of two sources; a file named by this process says that it succeeded."""
    with dg.DagsterInstance.ephemeral() as instance:
        folder.project(instance, seed).run_job(CHEAP)
    (folder.root / f"done-{os.getpid()}").touch()


def serve(folder: Folder) -> None:
    """Fork a child for each line, which names its source; what takes long to import is imported already."""
    FigureCanvasAgg.draw = FigureCanvasAgg.get_renderer  # pictures stay empty
    flush = atomic._flush

    def flush_slowly(path: Path) -> None:
        """As on a slow disk, so that each write takes long enough to be seen."""
        time.sleep(0.01)
        flush(path)

    atomic._flush = flush_slowly
    # Imported, and not used: threads of OpenMP do not outlive a fork.
    for module in ("gensim.models", "lightgbm", "rec_assets.core.pictures.hit_rates"):
        importlib.import_module(module)
    with dg.DagsterInstance.ephemeral() as instance:
        elsewhere = Folder(folder.root / "warm")
        elsewhere.root.mkdir(exist_ok=True)
        project = elsewhere.project(instance, 0)
        project.materialize(
            ["raw_playlists", "track_catalog", "playlist_sequences"], {"raw_playlists": {"source": str(project.source)}}
        )
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the killed ones
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            train(folder, int(line))
            return
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


@contextmanager
def nursery(folder: Folder) -> Iterator[Callable[[int], int]]:
    """A function that starts a training on a source and returns its process id."""
    folder.temporary.mkdir()
    with (
        (folder.root / "log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", __spec__.name, "serve", str(folder.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "TMPDIR": str(folder.temporary), "PYTHONPATH": str(CHECKOUT)},
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None

        def start(seed: int) -> int:
            process.stdin.write(f"{seed}\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield start
        process.stdin.close()


def wait_until(what: str, look: Callable[[], bool], folder: Folder) -> None:
    deadline = time.monotonic() + PATIENCE
    while not look():
        assert time.monotonic() < deadline, f"no {what}; the log ends with {(folder.root / 'log').read_text()[-2_000:]}"
        time.sleep(0.002)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def kill_in_a_write(folder: Folder, pid: int, target: str, delay: float) -> bool:
    """Kill ``pid`` a little after it began to write ``target``; whether a part of the file was left."""
    written = folder.store / target

    def is_writing() -> bool:
        return any(written.parent.glob(f"{TEMPORARY_PREFIX}*-{pid}-*-{written.name}")) or not is_alive(pid)

    wait_until(f"write of {target}", is_writing, folder)
    assert is_alive(pid), f"ended before it wrote {target}: {(folder.root / 'log').read_text()[-2_000:]}"
    time.sleep(delay)
    os.kill(pid, signal.SIGKILL)
    wait_until("end of the killed", lambda: not is_alive(pid), folder)
    return any(f"-{pid}-" in path.name for path in folder.leftovers())


def check_store(folder: Folder) -> int:
    """Every file is whole, and the promoted model can be read; returns the number of files."""
    left = folder.leftovers()
    files = [path for path in folder.store.rglob("*") if path.is_file() and path not in left]
    for path in files:
        verify_seal(path)
    models = PromotedModels(str(folder.store))
    if models.current() is not None:
        assert models.open_current(again=True).recommender.contenders
    return len(files)


def run_again(folder: Folder, start: Callable[[int], int], seed: int) -> None:
    """A training succeeds on what is there, and sweeps what killed ones left."""
    pid = start(seed)
    wait_until("end of the training", lambda: not is_alive(pid), folder)
    assert (folder.root / f"done-{pid}").exists(), (folder.root / "log").read_text()[-2_000:]
    check_store(folder)
    assert folder.leftovers() == []
    assert folder.scratch_folders() == []


@dataclass
class Tally:
    """What was seen."""

    kills: int = 0
    files_checked: int = 0
    reruns: int = 0
    torn_temporary_files: Counter[str] = field(default_factory=Counter)


def kill_often(folder: Folder, kills: int, *, seed: int = 0) -> Tally:
    """Kill trainings in writes of all ``TARGETS``, on both sources in turn; one that is not killed comes last."""
    tally, draw = Tally(), random.Random(seed)
    with nursery(folder) as start:
        if not folder.store.exists():
            run_again(folder, start, seed=0)
        for number, target in enumerate(islice(cycle(TARGETS), kills), start=1):
            delay = draw.choice((0, draw.uniform(0, 0.02)))
            tally.torn_temporary_files[target] += kill_in_a_write(folder, start(number % 2), target, delay)
            tally.kills += 1
            tally.files_checked += check_store(folder)
            assert len(folder.leftovers()) <= len(TARGETS), "leftovers pile up"
            assert len(folder.scratch_folders()) <= 1, "scratch folders pile up"
        run_again(folder, start, seed=(kills + 1) % 2)
        tally.reruns += 1
    return tally


@pytest.mark.slow
def test_a_training_killed_in_a_write_leaves_whole_files_and_the_rerun_sweeps_the_rest(
    trained_store: Path, tmp_path: Path
) -> None:
    shutil.copytree(trained_store, tmp_path / "store")

    tally = kill_often(Folder(tmp_path), len(TARGETS))

    assert (tally.kills, tally.reruns) == (len(TARGETS), 1)
    assert tally.torn_temporary_files.total() >= len(TARGETS) // 2, f"{tally}: too few were cut off to prove anything"


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve(Folder(Path(sys.argv[2])))
    else:
        # Each round in a store of its own, as no gate bears the losses of dozens of promotions.
        for begun in range(0, int(sys.argv[1]), len(TARGETS)):
            with tempfile.TemporaryDirectory(prefix="kills-") as root:
                tally = kill_often(Folder(Path(root)), len(TARGETS), seed=begun)
            sys.stdout.write(f"{tally}\n")
