"""Runs one benchmark command in a fresh process and reads off its time and memory."""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import truediv
from pathlib import Path
from typing import NamedTuple


@dataclass(frozen=True)
class Command:
    """What is run, and what its environment has beside ours."""

    words: list[str]
    environment: dict[str, str] = field(default_factory=dict)


class Measurement(NamedTuple):
    """One run: wall time, processor time of all threads and processes, and peak resident memory.

    Of several processes the peak is that of the largest, not their sum.
    """

    seconds: float
    cpu_seconds: float
    peak_mb: float


def table(measured: dict[str, list[Measurement]]) -> str:
    """Median and range of the sides ``ours`` and ``tutorial``, and the tutorial's medians over ours."""
    titles = ("wall seconds", "CPU seconds", "peak MB")
    lines = [f"{'median (range)':16}" + "".join(f"{title:>26}" for title in titles)]
    for side, runs in measured.items():
        summaries = map(_summary, zip(*runs, strict=True), (2, 2, 0))
        lines.append(f"{side:16}" + "".join(f"{summary:>26}" for summary in summaries))
    ratios = map(truediv, _medians(measured["tutorial"]), _medians(measured["ours"]))
    return "\n".join([*lines, f"{'tutorial / ours':16}" + "".join(f"{f'{ratio:.2f}':>26}" for ratio in ratios)])


def _medians(runs: list[Measurement]) -> Measurement:
    return Measurement(*(statistics.median(values) for values in zip(*runs, strict=True)))


def _summary(values: Sequence[float], digits: int) -> str:
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f}-{max(values):,.{digits}f})"


def measure(command: Command, folder: Path) -> Measurement:
    """What the command says of itself, in the JSON of its last line: start-up and imports are not timed.

    Raises:
        subprocess.CalledProcessError: it failed; its output has been passed on.
    """
    output, _ = _run(command, folder)
    result = json.loads(output.splitlines()[-1])
    return Measurement(result["total"], result["cpu"], result["peak_mb"])


def measure_whole(command: Command, folder: Path) -> Measurement:
    """The whole command as the shell sees it, start-up and all its processes included.

    Raises:
        subprocess.CalledProcessError: it failed; its output has been passed on.
    """
    return _run(command, folder)[1]


def _run(command: Command, folder: Path) -> tuple[str, Measurement]:
    # Without DAGSTER_HOME Dagster keeps its history in a temporary folder.
    inherited = {name: value for name, value in os.environ.items() if name != "DAGSTER_HOME"}
    environment = inherited | command.environment
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(command.words, cwd=folder, env=environment, stdout=output, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)  # counts the process and those it waited for
        seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        if process.returncode:
            sys.stderr.write(output.read() + errors.read())
            raise subprocess.CalledProcessError(process.returncode, command.words)
        cpu_seconds = usage.ru_utime + usage.ru_stime
        return output.read(), Measurement(seconds, cpu_seconds, usage.ru_maxrss / 1024)  # Linux counts in KB


def status_megabytes(field: str, process: int | str = "self") -> float:
    """The memory that Linux shows as ``field`` in the status of ``process``, in MB of 1024 * 1024 bytes."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    return int(status[field].split()[0]) / 1024
