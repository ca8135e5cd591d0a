"""Without this rec_assets/shared_instance.yaml might not start, or let a search block a training.

A real PostgreSQL, with a web server, a daemon and runs as processes of their own on it.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.scheduler.instigation import ScheduleInstigatorData

from rec_assets.definitions import defs
from rec_assets.paths import HOME_SETTINGS, SHARED_SETTINGS
from rec_assets_tests.journeys.dagster_processes import (
    CHECKOUT,
    answers,
    dagster_command,
    graphql,
    own_environment,
    running,
    wait_for,
)

POSTGRES = max(Path("/usr/lib/postgresql").glob("*/bin"), default=Path("/none"))
JOBS = ("training_job", "dev_training_job", "tutorial_job", "tuning_job")
LOCATION = ["-f", str(Path(__file__).with_name("shared_location.py"))]
SELECTOR = {"repositoryLocationName": "shared_location.py", "repositoryName": "__repository__"}
LAUNCH = (
    "mutation($run: ExecutionParams!) { launchRun(executionParams: $run) { ... on LaunchRunSuccess { run { id } } } }"
)
START = "mutation($it: ScheduleSelector!) { startSchedule(scheduleSelector: $it) { __typename } }"
RUNS = "{ runsOrError { ... on Runs { results { id status jobName } } } }"


@dataclass
class Server:
    """A PostgreSQL of the tests, which forgets all when the machine fails, and is fast."""

    data: Path
    port: int

    def run(self, program: str, *arguments: str) -> None:
        # It refuses to be root, which tests in containers are.
        user = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
        command = [POSTGRES / program, *arguments]
        subprocess.run(command, check=True, cwd="/", timeout=60, stdout=subprocess.DEVNULL, **user)

    def control(self, *words: str) -> None:
        self.run("pg_ctl", "-D", str(self.data), "-l", str(self.data / "log"), "-w", "-m", "fast", *words)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if not (POSTGRES / "initdb").exists():
        pytest.skip("needs PostgreSQL: apt-get install postgresql")
    pytest.importorskip("dagster_postgres", reason="needs the extra `postgres`")
    folder = Path(tempfile.mkdtemp(prefix="rec_assets-postgres-"))  # the server's user cannot enter pytest's folders
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres", "postgres")
    with socket.create_server(("127.0.0.1", 0)) as free:
        server = Server(folder / "data", free.getsockname()[1])
    (folder / "password").write_text("sesame")
    (folder / "password").chmod(0o644)
    words = ["-U", "dagster", "--auth=scram-sha-256", f"--pwfile={folder}/password", "--no-sync"]
    server.run("initdb", "-D", str(server.data), *words)
    with (server.data / "postgresql.conf").open("a") as file:
        file.write(f"fsync=off\nport={server.port}\nlisten_addresses='127.0.0.1'\nunix_socket_directories=''\n")
    server.control("start")
    try:
        yield server
    finally:
        server.control("stop")
        shutil.rmtree(folder)


@pytest.fixture
def environment(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """As docs/scale.md says; the password is in no file."""
    url = f"postgresql+psycopg2://dagster@127.0.0.1:{server.port}/postgres"
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", url)
    monkeypatch.setenv("PGPASSWORD", "sesame")
    found = own_environment(tmp_path, DAGSTER_POSTGRES_URL=url, RELEASE=str(tmp_path / "release"))
    shutil.copy(SHARED_SETTINGS, Path(found["DAGSTER_HOME"]) / "dagster.yaml")
    return found


def numbers(instance: dg.DagsterInstance, run: str) -> list[int]:
    """What the run counted, as often as it is in the event log."""
    messages = [entry.user_message for entry in instance.all_logs(run)]
    return [int(message.removeprefix("number ")) for message in messages if message.startswith("number ")]


def at_work(instance: dg.DagsterInstance) -> int:
    """How many runs count."""
    return sum(bool(numbers(instance, run.run_id)) for run in instance.get_runs())


def make_due(instance: dg.DagsterInstance) -> None:
    """Let the schedule, which is on, have been due once since it was switched on."""
    (state,) = instance.all_instigator_state()
    since = ScheduleInstigatorData("0 5 * * 1", time.time() - 7 * 24 * 3600)
    instance.update_instigator_state(state.with_data(since))


@pytest.mark.slow
def test_processes_share_an_instance_through_a_restart_of_its_database(
    server: Server, environment: dict[str, str], tmp_path: Path
) -> None:
    log, port, release = tmp_path / "log", server.port + 1, Path(environment["RELEASE"])
    url = f"http://127.0.0.1:{port}"
    web = dagster_command("dagster_webserver", "-h", "127.0.0.1", "-p", str(port), *LOCATION)
    daemon = dagster_command("dagster._daemon", "run", *LOCATION)
    shell = dagster_command("dagster", "job", "execute", "-j", "train", *LOCATION)

    def has(*runs: str) -> bool:
        try:
            found = graphql(url, RUNS)["runsOrError"]["results"]
        except urllib.error.HTTPError:  # once for each connection that was open when the database ended
            return False
        return not Counter(runs) - Counter(f"{run['jobName']} {run['status']}" for run in found)

    with dg.DagsterInstance.from_config(environment["DAGSTER_HOME"]) as instance, running(web, environment, log):
        wait_for("web server", lambda: answers(url), log)
        graphql(url, START, it={**SELECTOR, "scheduleName": "weekly"})
        make_due(instance)
        for _ in range(2):
            graphql(url, LAUNCH, run={"selector": {**SELECTOR, "jobName": "search"}})
        with running(daemon, environment, tmp_path / "daemon"):
            # The second search waits, and the weekly training does not.
            begun = ("search STARTED", "search QUEUED", "train STARTED")
            wait_for("search and training", lambda: has(*begun), tmp_path / "daemon")
            # A run that was still starting failed, once, when its database restarted.
            wait_for("both at work", lambda: at_work(instance) == 2, tmp_path / "daemon")
            server.control("restart")
            with running(shell, environment, tmp_path / "shell"):
                wait_for("run of the shell", lambda: has(*begun, "train STARTED"), tmp_path / "shell")
                release.touch()
                wait_for("end", lambda: has("search SUCCESS", "train SUCCESS", "train SUCCESS"), tmp_path / "daemon")
        counted = {run.run_id: numbers(instance, run.run_id) for run in instance.get_runs()}
        assert all(each == list(range(len(each))) for each in counted.values())  # none is lost, none is there twice
        # The training from the shell came to promote when that of the schedule had done so.
        waited, weekly = sorted(
            instance.get_runs(dg.RunsFilter(job_name="train")), key=lambda run: len(counted[run.run_id])
        )
        assert len(counted[waited.run_id]) == 1 < len(counted[weekly.run_id])
        assert weekly.tags["dagster/schedule_name"] == "weekly"


def test_the_shared_instance_differs_from_that_of_one_store_in_what_is_shared() -> None:
    own, shared = (yaml.safe_load(path.read_text()) for path in (HOME_SETTINGS, SHARED_SETTINGS))
    differing = {name for name in own | shared if own.get(name) != shared.get(name)}
    assert differing == {"storage", "concurrency", "run_monitoring", "run_retries"}
    assert shared["run_monitoring"] == {**own["run_monitoring"], "free_slots_after_run_end_seconds": 60}
    assert CHECKOUT / "rec_assets" / "shared_instance.yaml" == SHARED_SETTINGS


def test_jobs_and_steps_carry_what_the_shared_instance_limits() -> None:
    key = yaml.safe_load(SHARED_SETTINGS.read_text())["concurrency"]["runs"]["tag_concurrency_limits"][0]["key"]
    work = {job.name: job.tags[key] for job in map(defs.resolve_job_def, JOBS)}
    assert work == {**dict.fromkeys(JOBS, "training"), "tuning_job": "search"}
    pools = {node.name: node.pool for name in JOBS for node in defs.resolve_job_def(name).all_node_defs if node.pools}
    assert pools == {"promoted_model": "promotion", "work": "tuning_workers"}
