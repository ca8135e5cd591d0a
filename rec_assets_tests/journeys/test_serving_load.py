"""A real endpoint under load while models are promoted and removed: nobody notices."""

import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import dagster as dg
import httpx
import numpy as np
import pytest

from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.promoted.recommendations import recommend_after
from rec_assets.store.promoted_models import PromotedModels
from rec_assets_tests.conftest import Project, made_rows, write_unescaped_csv
from rec_assets_tests.journeys.dagster_processes import CHECKOUT, PATIENCE, own_environment, wait_for

PROMOTIONS, CLIENTS, K = 10, 4, 10
PAIR = ("Artist 3", "Track 10")
COMMAND = [str(Path(sys.executable).with_name("rec-assets")), "serve", "--port", "0", "--poll-seconds", "0.02"]


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[tuple[str, subprocess.Popen[bytes], Path]]:
    """Its URL, the process and its log; killed with the block unless it ended."""
    log = folder / "serve.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [*COMMAND, *options], cwd=CHECKOUT, env=own_environment(folder), stdout=output, stderr=subprocess.STDOUT
        ) as process,
    ):
        try:
            url = wait_for("address", lambda: re.search(r"http://[\d.:]+", log.read_text()), log).group()
            wait_for("answer", lambda: _answers(url), log)
            yield url, process, log
        finally:
            if process.poll() is None:
                process.kill()


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with version 1, from one run for all tests."""
    folder = tmp_path_factory.mktemp("trained")
    with dg.DagsterInstance.ephemeral() as instance:
        project = Project(folder, instance, write_unescaped_csv(folder / "playlists.csv", made_rows()))
        project.run_job()
    return project.store


@pytest.fixture
def models(trained: Path, tmp_path: Path) -> PromotedModels:
    shutil.copytree(trained / "promoted_models", tmp_path / "store" / "promoted_models")
    shutil.copy(trained / "promoted_model.json", tmp_path / "store")
    return PromotedModels(str(tmp_path / "store"))


def another(model: PromotedModel, version: int) -> PromotedModel:
    """The model as ``version``; an even one writes its titles otherwise and recommends something else."""
    if version % 2 == 0:
        data = model.names.titles.data
        titles = replace(model.names.titles, data=np.where(data == ord("T"), ord("t"), data).astype(np.uint8))
        model = replace(model, names=replace(model.names, titles=titles), repeats=not model.repeats)
    return replace(model, facts={**model.facts, "version": version})


def shown(model: PromotedModel) -> list[tuple]:
    track = model.names.find(*PAIR).track
    assert track is not None
    return [(one.artist, one.track, one.score) for one in recommend_after(model, [track], k=K)]


class Client(threading.Thread):
    """Asks all the time; keeps what it was answered."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self._url, self._params = url, {"artist": PAIR[0], "track": PAIR[1], "k": str(K)}
        self.ended = threading.Event()
        self.answers: list[tuple[int, list[tuple]]] = []
        self.errors: list[str] = []

    def run(self) -> None:
        with httpx.Client(base_url=self._url, timeout=PATIENCE) as client:
            while not self.ended.is_set():
                try:
                    self._ask(client)
                except httpx.HTTPError as error:
                    self.errors.append(repr(error))

    def _ask(self, client: httpx.Client) -> None:
        response = client.get("/recommend", params=self._params)
        if response.status_code != 200:
            self.errors.append(f"{response.status_code} {response.text}")
            return
        answer = response.json()
        tracks = [(one["artist"], one["track"], one["score"]) for one in answer["recommendations"]]
        self.answers.append((answer["version"], tracks))


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_no_request_fails_or_mixes_versions_while_models_are_promoted_and_removed(models, tmp_path, workers) -> None:
    original = models.open(1)
    expected = {version: shown(another(original, version)) for version in (1, 2)}
    assert expected[1] != expected[2]
    models.add(another(original, 2))

    with serving(tmp_path, "--workers", str(workers)) as (url, process, log):
        clients = [Client(url) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        for promotion in range(PROMOTIONS):
            if promotion < PROMOTIONS // 2:
                models.point_to(2 - promotion % 2, by="test")
            else:
                version = models.next_version()
                models.add(another(original, version))
                models.point_to(version, by="test")
                models.remove_all_but([version])
            time.sleep(0.3)
        for client in clients:
            client.ended.set()
        for client in clients:
            client.join(PATIENCE)
        process.send_signal(signal.SIGTERM)
        code = process.wait(PATIENCE)

    answers = [answer for client in clients for answer in client.answers]
    seen = {version for version, _ in answers}
    assert [error for client in clients for error in client.errors] == []
    assert {1, 2, version} <= seen
    assert [version for version, tracks in answers if tracks != expected[2 - version % 2]] == []
    assert len(answers) > 10 * PROMOTIONS
    assert code == 0, log.read_text()
    assert "Traceback" not in log.read_text()


@pytest.mark.slow
def test_the_endpoint_ends_by_ctrl_c_and_a_taken_port_is_told(models, tmp_path) -> None:
    with serving(tmp_path) as (url, process, log):
        port = url.rpartition(":")[2]
        taken = subprocess.run(
            [*COMMAND[:2], "--port", port], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        process.send_signal(signal.SIGINT)
        code = process.wait(PATIENCE)

    assert code == 0, log.read_text()
    assert taken.returncode == 1
    assert f"cannot listen at 127.0.0.1, port {port}" in taken.stderr


@pytest.mark.slow
def test_a_warning_tells_that_other_machines_reach_it(models, tmp_path) -> None:
    with serving(tmp_path, "--host", "0.0.0.0") as (_, _, log):
        assert "0.0.0.0 is reached from other machines, and there is no log-in." in log.read_text()
