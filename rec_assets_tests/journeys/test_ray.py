"""Without this steps might not start on Ray, not get our settings there, or be lost with a worker. A minute long."""

import os
import signal
import socket
import sys
from pathlib import Path

import dagster as dg
import pytest

from rec_assets_tests.journeys.dagster_processes import dagster_command, own_environment, running, wait_for

pytestmark = pytest.mark.slow


def test_a_step_whose_process_is_lost_is_run_again(tmp_path: Path) -> None:
    pytest.importorskip("dagster_ray", reason="needs the extra `ray`")
    ports = {}
    for name in ("gcs", "jobs", "client"):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports[name] = free.getsockname()[1]
    token, log, store = tmp_path / "token", tmp_path / "log", tmp_path / "store"
    token.write_text("0" * 64)
    store.mkdir()
    environment = own_environment(
        tmp_path,
        PATH=f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        RAY_AUTH_MODE="token",
        RAY_AUTH_TOKEN_PATH=str(token),
    )
    ray = [str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--disable-usage-stats"]
    ray += ["--num-cpus=1", f"--port={ports['gcs']}", f"--ray-client-server-port={ports['client']}"]
    ray += [f"--dashboard-port={ports['jobs']}", "--object-store-memory=100000000"]
    location = str(Path(__file__).with_name("ray_location.py"))
    run = dagster_command("dagster", "job", "execute", "-f", location, "-j", "lost")
    # A node hands on what it was started with; of ours, the executor must do it.
    node = {name: value for name, value in environment.items() if name != "REC_ASSETS_STORAGE"}
    own = {"REC_ASSETS_EXECUTOR": "ray", "RAY_ADDRESS": f"http://127.0.0.1:{ports['jobs']}"}
    with running(ray, node, log):
        wait_for("Ray", lambda: "Ray runtime started" in log.read_text(), log)
        with running(run, {**environment, **own}, tmp_path / "run"):
            pid = int(wait_for("step", lambda: said(store / "try_0"), tmp_path / "run"))
            os.kill(pid, signal.SIGKILL)
            wait_for("second try", lambda: said(store / "try_1"), tmp_path / "run")
            with dg.DagsterInstance.from_config(environment["DAGSTER_HOME"]) as instance:
                wait_for("success", lambda: instance.get_runs()[0].is_success, tmp_path / "run")
                (stats,) = instance.get_run_step_stats(instance.get_runs()[0].run_id)
    assert stats.attempts == 2


def said(path: Path) -> str:
    return path.read_text() if path.exists() else ""
