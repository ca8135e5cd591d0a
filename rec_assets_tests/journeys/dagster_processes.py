"""Real Dagster processes over a throw-away instance and store; none outlives its test."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from rec_assets.paths import HOME_SETTINGS

CHECKOUT = Path(__file__).resolve().parents[2]
# A busy machine with two cores; whoever waits this long has found a fault.
PATIENCE = 120

Result = TypeVar("Result")


def own_environment(folder: Path, **settings: str) -> dict[str, str]:
    """The shell's environment without its own settings of ours, with instance and store in ``folder``.

    The instance is configured as ``rec-assets home`` does it.
    """
    home = folder / "dagster_home"
    home.mkdir()
    shutil.copy(HOME_SETTINGS, home)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("REC_ASSETS_", "DAGSTER_"))}
    return {**kept, "DAGSTER_HOME": str(home), "REC_ASSETS_STORAGE": str(folder / "store"), **settings}


def dagster_command(module: str, *arguments: str) -> list[str]:
    """``python -m module arguments``, by the interpreter of the tests."""
    return [sys.executable, "-m", module, *arguments]


@contextmanager
def running(command: Sequence[str], environment: dict[str, str], log: Path) -> Iterator[None]:
    """``command``, in the checkout and in a process group of its own, which ends with the block."""
    with (
        log.open("wb") as output,
        subprocess.Popen(
            command,
            cwd=CHECKOUT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=_listen_to_interrupts,
        ) as process,
    ):
        try:
            yield
        finally:
            _end(process)


def run_to_end(command: Sequence[str], environment: dict[str, str]) -> None:
    """``command`` in the checkout; an error with its output unless it succeeds."""
    done = subprocess.run(
        command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _listen_to_interrupts() -> None:
    # What a script starts in its background ignores them, and hands that on to its children.
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to stop its children and itself; then kill what is left of its group."""
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(timeout=15)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def wait_for(what: str, look: Callable[[], Result | None], log: Path, patience: float = PATIENCE) -> Result:
    """The first true value of ``look``; without one in time, an error with the end of ``log``."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError(f"no {what} within {patience} s; the log ends with:\n{log.read_text()[-4_000:]}")


def graphql(url: str, query: str, **variables: Any) -> Any:
    """The data that the web server answers with."""
    request = urllib.request.Request(
        f"{url}/graphql",
        json.dumps({"query": query, "variables": variables}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as response:
        return json.load(response)["data"]


def answers(url: str) -> bool:
    """Whether a web server answers there."""
    try:
        with urllib.request.urlopen(f"{url}/server_info", timeout=PATIENCE):
            return True
    except urllib.error.URLError:
        return False
