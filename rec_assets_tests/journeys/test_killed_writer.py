"""A step killed with SIGKILL in the middle of a write: files are old or new, never a part, and a rerun works."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle, islice
from pathlib import Path

import dagster as dg
import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from safetensors.numpy import load_file

from rec_assets.store.atomic import TEMPORARY_PREFIX
from rec_assets.store.temporary import SCRATCH_PREFIX
from rec_assets_tests.conftest import SMALL, Project, made_rows, timeless, write_unescaped_csv

CHECKOUT = Path(__file__).resolve().parents[2]
STEP_KILLS, JOB_KILLS = 51, 9
# One asset of each format, each with two settings that give two contents from the same stored inputs.
STEPS = {
    "playlist_sequences": ("min_tracks", (3, 5)),
    "track_embeddings": ("vector_size", (8, 9)),
    "validation_hit_rate": ("k", (4, 5)),
}
SUFFIXES = dict(zip(STEPS, (".parquet", ".safetensors", ".json"), strict=True))
EMBEDDINGS = {name: SMALL[name] for name in ("epochs", "min_count", "reproducible")}
UNPROMOTED = {**SMALL, "sample_percent": 100}
Contents = Mapping[str, set[bytes]]


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

    def project(self, instance: dg.DagsterInstance, playlists: int = 1_500, seed: int = 0) -> Project:
        source = self.root / f"playlists-{seed}.csv"
        if not source.exists():
            write_unescaped_csv(source, made_rows(playlists, tracks=400, seed=seed))
        return Project(self.root, instance, source)


def run_job(project: Project) -> None:
    """All but promotion, of which no file is ever replaced; its own writers are killed in test_promoted_models."""
    project.run_job(UNPROMOTED, job="dev_training_job")


def materialize_step(project: Project, name: str, value: int) -> None:
    shared = EMBEDDINGS if name == "track_embeddings" else {}
    project.materialize([name], {name: {**shared, STEPS[name][0]: value}})


def work_for_ever(folder: Folder, work: str) -> None:
    """One step, with its two settings in turn; or whole jobs, with the one source and then the other."""
    with dg.DagsterInstance.ephemeral() as instance:
        projects = [folder.project(instance, seed=seed) for seed in (1, 0)]
        while True:
            for turn in (0, 1):
                if work == "job":
                    run_job(projects[turn])
                else:
                    materialize_step(projects[1], work, STEPS[work][1][turn])


def serve(folder: Folder) -> None:
    """Fork a child for each line, which names its work; what takes long to import is imported already."""
    warm_up(folder)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the killed ones
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            work_for_ever(folder, line.strip())
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def warm_up(folder: Folder) -> None:
    """Nothing that uses threads of OpenMP: they do not outlive a fork."""
    with dg.DagsterInstance.ephemeral() as instance:
        elsewhere = Folder(folder.root / "warm")
        elsewhere.root.mkdir(exist_ok=True)
        elsewhere.project(instance, playlists=20).materialize(["raw_playlists", "track_catalog", "playlist_sequences"])


@dataclass
class Tally:
    """What was seen, for the assertions and for people."""

    kills: int = 0
    files_read: int = 0
    in_mid_write: Counter[str] = field(default_factory=Counter)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    folder = Folder(tmp_path)
    folder.temporary.mkdir()
    return folder


@contextmanager
def nursery(folder: Folder) -> Iterator[Callable[[str], int]]:
    """A function that starts a child at some work and returns its process id."""
    with (
        (folder.root / "log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", __name__, str(folder.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "TMPDIR": str(folder.temporary)},
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None

        def start(work: str) -> int:
            process.stdin.write(work + "\n")
            process.stdin.flush()
            return int(process.stdout.readline())

        yield start
        process.stdin.close()


def wait_for_a_write(folder: Folder, suffix: str, known: set[str], is_alive: Callable[[], bool]) -> None:
    """Until there is a temporary file of a format that is not among the ``known`` ones."""
    deadline = time.monotonic() + 60
    while not any(name.endswith(suffix) for name in leftovers(folder) - known):
        assert is_alive(), f"the writer ended by itself: {(folder.root / 'log').read_text()[-2000:]}"
        assert time.monotonic() < deadline, f"no temporary file of {suffix} in a minute"
        time.sleep(0.0001)


def leftovers(folder: Folder) -> set[str]:
    return {path.name for path in folder.store.iterdir() if path.name.startswith(TEMPORARY_PREFIX)}


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    while is_alive(pid):
        time.sleep(0.001)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def read_whole(path: Path) -> None:
    """Read all of a file the way its users do."""
    if path.suffix == ".parquet":
        pq.read_table(path, partitioning=None)
    elif path.suffix == ".safetensors":
        assert all(np.isfinite(tensor).all() for tensor in load_file(path).values())
    elif path.suffix == ".html":
        assert path.read_text().rstrip().endswith("</html>")
    else:
        assert json.loads(path.read_text())["lineage"]


def check_store(folder: Folder, allowed: Contents, tally: Tally) -> None:
    """Every file opens whole and is one of the allowed contents; there is at most one leftover for each."""
    left = leftovers(folder)
    names = {path.name for path in folder.store.iterdir()} - left
    assert names == set(allowed)
    for name in names:
        read_whole(folder.store / name)
        content = timeless(name, (folder.store / name).read_bytes())
        assert content in allowed[name], f"{name} is neither the old nor the new file"
        tally.files_read += 1
    targets = [name.rpartition("-")[2] for name in left]
    assert len(targets) == len(set(targets)), f"leftovers pile up: {left}"
    assert len(list(folder.temporary.glob(f"{SCRATCH_PREFIX}*"))) <= 1, "scratch folders pile up"


def kill_often(folder: Folder, works: Sequence[tuple[str, str]], kills: int, allowed: Contents) -> Tally:
    """Kill a child at each of the ``works`` in turn, shortly after it began to write a file of the given suffix."""
    tally, draw = Tally(), random.Random(0)
    with nursery(folder) as start:
        for work, suffix in islice(cycle(works), kills):
            before = leftovers(folder)
            pid = start(work)
            wait_for_a_write(folder, suffix, before, lambda pid=pid: is_alive(pid))
            time.sleep(draw.choice((0, draw.uniform(0, 0.004))))
            kill(pid)
            tally.kills += 1
            tally.in_mid_write.update(Path(name).suffix for name in leftovers(folder) - before)
            check_store(folder, allowed, tally)
    return tally


def contents(*stores: Mapping[str, bytes]) -> dict[str, set[bytes]]:
    return {name: {store[name] for store in stores} for name in stores[0]}


@pytest.mark.slow
def test_a_step_killed_in_a_write_leaves_the_old_or_the_new_file(folder: Folder, project: Project) -> None:
    project = folder.project(project.instance)
    run_job(project)
    first = project.files()
    stores = [first]
    for name, (_, values) in STEPS.items():
        for value in values:
            materialize_step(project, name, value)
            stores.append({**first, **project.files()})
    allowed = contents(*stores)
    assert all(len(allowed[name + suffix]) > 1 for name, suffix in SUFFIXES.items())

    tally = kill_often(folder, list(SUFFIXES.items()), STEP_KILLS, allowed)

    assert tally.kills >= 50, tally
    assert min(tally.in_mid_write[suffix] for suffix in SUFFIXES.values()) >= 5, f"{tally}: too few to prove anything"
    run_job(project)
    assert project.files() == first, "a rerun gives what an undisturbed run gives, and sweeps the leftovers"


@pytest.mark.slow
def test_a_job_killed_in_a_write_leaves_every_file_old_or_new(folder: Folder, project: Project) -> None:
    stores = []
    for seed in (1, 0):
        project = folder.project(project.instance, seed=seed)
        run_job(project)
        stores.append(project.files())
    allowed = contents(*stores)
    assert all(len(known) == 2 for known in allowed.values())

    kill_often(folder, [("job", suffix) for suffix in SUFFIXES.values()], JOB_KILLS, allowed)

    run_job(project)
    assert project.files() == stores[-1]


@pytest.mark.slow
def test_a_killed_command_leaves_every_file_old_or_new(folder: Folder, project: Project) -> None:
    project = folder.project(project.instance)
    config = folder.root / "config.yaml"
    config.write_text(yaml.safe_dump({"source": str(project.source), **UNPROMOTED}))
    run_job(project)
    old = project.files()
    project = folder.project(project.instance, seed=1)
    run_job(project)
    allowed = contents(old, project.files())

    draw, tally = random.Random(0), Tally()
    for suffix in SUFFIXES.values():
        before = leftovers(folder)
        with execute_job(folder, config) as process:
            wait_for_a_write(folder, suffix, before, lambda process=process: process.poll() is None)
            time.sleep(draw.uniform(0, 0.004))
            process.kill()
        check_store(folder, allowed, tally)
    with execute_job(folder, config) as process:
        assert process.wait() == 0, (folder.root / "log").read_text()[-2000:]

    assert project.files() == old
    assert list(folder.temporary.glob(f"{SCRATCH_PREFIX}*")) == []


@contextmanager
def execute_job(folder: Folder, config: Path) -> Iterator[subprocess.Popen]:
    command = ["dagster", "job", "execute", "-m", "rec_assets.definitions", "-j", "dev_training_job", "-c", str(config)]
    own = {"REC_ASSETS_STORAGE": str(folder.store), "TMPDIR": str(folder.temporary), "PYTHONPATH": str(CHECKOUT)}
    with (
        (folder.root / "log").open("w") as log,
        subprocess.Popen(
            [sys.executable, "-m", *command],
            stdout=subprocess.DEVNULL,
            stderr=log,
            env={**os.environ, **own},
            # Dagster makes a folder for its history where it is started, and a killed one leaves it there.
            cwd=folder.temporary,
        ) as process,
    ):
        yield process


if __name__ == "__main__":
    serve(Folder(Path(sys.argv[1])))
