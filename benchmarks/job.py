"""A whole job from the shell, with wall time, processor time and peak memory of each step, kept in a dated file.

    python benchmarks/job.py playlists.csv.gz --jobs tutorial_job training_job --tutorial
    python benchmarks/job.py --rows 12900000 --jobs training_job

Each job runs once, in a process and a store of its own; with ``--tutorial`` the tutorial's own code runs after them, on
the same rows as parquet. The figures are printed and added to ``benchmarks/results/<date>.md``.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import dagster as dg
from compare import ROOT, cleaned_once, describe_machine, made
from measure import Measurement, status_megabytes

from rec_assets.paths import HOME_SETTINGS

Step = tuple[str, Measurement]  # its name, and what it took
_TICKS, _EVERY = os.sysconf("SC_CLK_TCK"), 0.2


class Sample(NamedTuple):
    """What a process has used up to a ``time`` since 1970, and the resident memory that it has then."""

    time: float
    cpu_seconds: float
    memory_mb: float


def watch(process: subprocess.Popen[bytes]) -> list[Sample]:
    """Samples of a process until it ends, at short intervals."""
    samples = []
    while process.poll() is None:
        try:
            fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2].split()
            used = (int(fields[11]) + int(fields[12])) / _TICKS
            samples.append(Sample(time.time(), used, status_megabytes("VmRSS", process.pid)))
        except (KeyError, FileNotFoundError, ProcessLookupError):  # it is ending
            pass
        time.sleep(_EVERY)
    return samples


def run_job(job: str, source: Path, folder: Path, config: str | None) -> list[Step]:
    """The whole ``job`` and each of its steps, by start."""
    home = folder / f"{job}.home"
    home.mkdir()
    (home / "dagster.yaml").write_text(HOME_SETTINGS.read_text())
    own = {"DAGSTER_HOME": str(home), "REC_ASSETS_SOURCE": str(source), "REC_ASSETS_STORAGE": str(folder / job)}
    words = [
        str(Path(sys.executable).with_name("dagster")),
        "job",
        "execute",
        "-m",
        "rec_assets.definitions",
        "-j",
        job,
    ]
    begun, log = time.time(), folder / f"{job}.log"
    with log.open("wb") as output:
        given = [*words, "-c", config] if config else words
        process = subprocess.Popen(given, cwd=ROOT, env={**os.environ, **own}, stdout=output, stderr=output)
        samples = watch(process)
    ended = time.time()
    if process.returncode:
        raise SystemExit(f"{job} failed:\n{log.read_text()[-3_000:]}")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        (run,) = instance.get_runs()
        steps = sorted(instance.get_run_step_stats(run.run_id), key=lambda step: step.start_time or 0)
    spans = [("the whole job", begun, ended), *((s.step_key, s.start_time, s.end_time) for s in steps)]
    return [(name, _between(samples, start or begun, end or ended)) for name, start, end in spans]


def _between(samples: list[Sample], start: float, end: float) -> Measurement:
    before = [sample for sample in samples if sample.time <= start] or samples[:1]
    during = [sample for sample in samples if start <= sample.time <= end + _EVERY] or before[-1:]
    first = 0.0 if before == samples[:1] else before[-1].cpu_seconds
    return Measurement(end - start, during[-1].cpu_seconds - first, max(sample.memory_mb for sample in during))


def run_tutorial(cleaned: Path, queries: int | None) -> list[Step]:
    """The same of the tutorial's code, of which only the whole has processor time and memory; with ``queries`` it asks
    only so many playlists of each held-out part, and a last line says how long it would have taken to ask all.
    """
    words = [sys.executable, "benchmarks/tutorial.py", str(cleaned), *(["--queries", str(queries)] if queries else [])]
    begun = time.time()
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE)
    samples = watch(process)
    ended = time.time()
    if process.returncode or process.stdout is None:
        raise SystemExit("the tutorial failed")
    found = json.loads(process.stdout.read().splitlines()[-1])
    seconds: dict[str, float] = found["seconds"]
    if queries:
        seconds["evaluate, all playlists (scaled)"] = found["scaled_evaluate"]
    steps = [(name, Measurement(took, math.nan, math.nan)) for name, took in seconds.items()]
    return [("the whole job", _between(samples, begun, ended)), *steps]


def report(title: str, steps: list[Step]) -> str:
    """A table for people, of steps that took a tenth of a second or more."""
    lines = [f"### {title}", "", "| step | wall s | processor s | peak MB |", "|---|---|---|---|"]
    shown = [step for step in steps if step[1].seconds >= 0.1]
    cells = [[name, *("" if math.isnan(value) else f"{value:,.1f}" for value in found)] for name, found in shown]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in cells)]) + "\n\n"


def main() -> None:
    """Reads the command line, prints what was measured and adds it to the file of the day."""
    parser = argparse.ArgumentParser(description="A whole job, step by step.")
    parser.add_argument("source", type=Path, nargs="?", help="playlists; without, synthetic rows are made")
    parser.add_argument("--rows", type=int, default=1_290_000, help="synthetic rows")
    parser.add_argument("--jobs", nargs="+", default=["tutorial_job", "training_job"])
    parser.add_argument("--config", help="of all these jobs")
    parser.add_argument("--tutorial", action="store_true", help="run the tutorial's code, too")
    parser.add_argument("--queries", type=int, help="playlists of each held-out part that the tutorial's code asks")
    arguments = parser.parse_args()
    source = (arguments.source or made(arguments.rows, ".parquet")).resolve()
    target = ROOT / "benchmarks" / "results" / f"{datetime.now(UTC).date()}.md"
    target.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rec_assets-benchmark-") as folder:
        for job in arguments.jobs:
            name = " ".join(filter(None, [job, arguments.config, "on", source.name]))
            add(target, name, run_job(job, source, Path(folder), arguments.config))
    if arguments.tutorial:
        cleaned = source if source.suffix == ".parquet" else cleaned_once(source)
        add(target, f"the tutorial's code on {source.name}", run_tutorial(cleaned, arguments.queries))


def add(target: Path, name: str, steps: list[Step]) -> None:
    text = report(f"{name} ({describe_machine()}, load {os.getloadavg()[0]:.1f})", steps)
    print(text)
    with target.open("a", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
