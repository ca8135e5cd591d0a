"""Ways to run a trial: as a process of this machine, or by a running web server, whose launcher decides where."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import dagster as dg

from rec_assets.core.errors import SettingsError, TrainingError
from rec_assets.tuning.trial_process import JOB

# On runs that end with the process of the session, and on those that do not.
TUNE_TAG, SUBMITTED_TAG = "rec_assets/tune", "rec_assets/submitted_by_tune"
_THREAD_SETTINGS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "REC_ASSETS_DUCKDB_THREADS")


class Started(Protocol):
    """A run of a trial that was started."""

    def has_ended(self) -> bool: ...  # noqa: D102
    def last_words(self) -> str: ...  # noqa: D102
    def stop(self) -> None: ...  # noqa: D102


class Launcher(Protocol):
    """Starts runs of trials."""

    def start(self, trial: str, search: str) -> Started: ...  # noqa: D102


class ProcessLauncher:
    """Runs each trial as a process of its own.

    Args:
        storage: folder or URL of the store.
        threads: that a trial may use for what is not Word2Vec.
        logs: a folder for what the processes print.
    """

    def __init__(self, storage: str, threads: int, logs: Path) -> None:
        own = {name: str(threads) for name in _THREAD_SETTINGS}
        # Settings of the shell come first: whoever set them knows the machine.
        self._environment = {**own, **os.environ, "REC_ASSETS_STORAGE": storage}
        self._logs = logs

    def start(self, trial: str, search: str) -> "TrialProcess":
        """Start ``trial`` of ``search``."""
        return TrialProcess(trial, {TUNE_TAG: search}, self._environment, self._logs / f"{trial}.log")


class TrialProcess:
    """A process that runs one trial."""

    def __init__(self, trial: str, tags: Mapping[str, str], environment: Mapping[str, str], log: Path) -> None:
        self._log = log
        command = [sys.executable, "-m", "rec_assets.tuning.trial_process", str(os.getpid()), trial, json.dumps(tags)]
        with log.open("wb") as output:
            # A session of its own: Ctrl-C of the terminal reaches the parent alone, which then stops its trials.
            self._process = subprocess.Popen(  # noqa: S603 - our own module, by this interpreter
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def has_ended(self) -> bool:
        """Whether the process is gone."""
        return self._process.poll() is not None

    def last_words(self) -> str:
        """The end of what it printed."""
        lines = [line for line in self._log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
        code = self._process.returncode
        return f"its process ended with {code}: {lines[-1].strip() if lines else 'it printed nothing'}"

    def stop(self) -> None:
        """Kill the process: what is stored is whole at any moment, and asked to stop it would call itself failed."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class WebserverLauncher:
    """Submits each trial to the web server at ``url``, and asks the instance how its run goes.

    Raises:
        SettingsError: ``url`` is none.
    """

    def __init__(self, url: str, instance: dg.DagsterInstance) -> None:
        from dagster_graphql import DagsterGraphQLClient  # the web server brings it

        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SettingsError(f"--webserver is {url!r}; expected a URL such as http://127.0.0.1:3000")
        self._client = DagsterGraphQLClient(
            parts.hostname + parts.path.rstrip("/"), port_number=parts.port, use_https=parts.scheme == "https"
        )
        self._url, self._instance = url, instance

    def start(self, trial: str, search: str) -> "SubmittedRun":
        """Submit ``trial`` of ``search``, unless an earlier session did and its run is still on its way.

        Raises:
            TrainingError: the server cannot be reached, or refuses the run.
        """
        from dagster_graphql import DagsterGraphQLClientError

        tags = {SUBMITTED_TAG: search, "dagster/partition": trial}
        for run in self._instance.get_runs(dg.RunsFilter(tags=tags), limit=1):
            if not run.is_finished:
                return SubmittedRun(self._client, self._instance, run.run_id)
        try:
            run_id = self._client.submit_job_execution(JOB, tags=tags)
        except (DagsterGraphQLClientError, OSError) as error:
            reason = str(error.__cause__ or error).splitlines()[0]
            raise TrainingError(
                f"the web server {self._url} did not take {trial} ({reason}). Expected one that serves "
                "rec_assets.definitions; see that it runs (make dev)."
            ) from error
        return SubmittedRun(self._client, self._instance, run_id)


class SubmittedRun:
    """A run that the web server was asked for."""

    def __init__(self, client: object, instance: dg.DagsterInstance, run_id: str) -> None:
        self._client, self._instance, self._run_id = client, instance, run_id

    def has_ended(self) -> bool:
        """Whether the run is over."""
        run = self._instance.get_run_by_id(self._run_id)
        return run is None or run.is_finished

    def last_words(self) -> str:
        """What is known where nothing failed, and yet there is no result."""
        run = self._instance.get_run_by_id(self._run_id)
        if run is None:
            return f"the instance does not know run {self._run_id}: the web server has another DAGSTER_HOME"
        return f"run {self._run_id} is {run.status.value}, but its result is not in this store"

    def stop(self) -> None:
        """Ask the server to terminate the run."""
        if not self.has_ended():
            self._client.terminate_run(self._run_id)  # pyright: ignore[reportAttributeAccessIssue]
