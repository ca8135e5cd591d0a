"""Without this a request could fail, or mix two versions, while models are promoted and removed under load."""

import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import numpy as np
import pytest

from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.promoted.recommendations import recommend_after
from rec_assets.store.promoted_models import PromotedModels
from rec_assets_tests.core.promoted.small_promoted import LINEAGE, built, fitted
from rec_assets_tests.journeys.dagster_processes import CHECKOUT, PATIENCE, own_environment, wait_for

PROMOTIONS, CLIENTS, K = 6, 4, 5
PAIR = ("Artist 2", "Track 10")
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


@pytest.fixture
def models(tmp_path: Path) -> PromotedModels:
    """Versions 1 and 2, the first of which is current."""
    models = PromotedModels(str(tmp_path / "store"))
    for version in (2, 1):
        add(models, version)
    models.point_to(1, by="test")
    return models


def variant(version: int) -> PromotedModel:
    """A model of one strategy for odd versions; an even one has another, and writes its titles otherwise."""
    if version % 2:
        return built(fitted(strategy="item_knn"), version=version)
    model = built(fitted(strategy="ranker"), version=version)
    data = model.names.titles.data
    titles = replace(model.names.titles, data=np.where(data == ord("T"), ord("t"), data).astype(np.uint8))
    return replace(model, names=replace(model.names, titles=titles))


def add(models: PromotedModels, version: int) -> None:
    model = variant(version)
    models.add(model.recommender, model.names, model.facts, LINEAGE)


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
    expected = {version: shown(variant(version)) for version in (1, 2)}
    assert expected[1] != expected[2]

    with serving(tmp_path, "--workers", str(workers)) as (url, process, log):
        clients = [Client(url) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        for promotion in range(PROMOTIONS):
            if promotion < PROMOTIONS // 2:
                models.point_to(2 - promotion % 2, by="test")
            else:
                version = models.next_version()
                add(models, version)
                models.point_to(version, by="test")
                models.remove_all_but([version])
            time.sleep(0.3)
        wait_for("last version", lambda: version in {answer[0] for client in clients for answer in client.answers}, log)
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
@pytest.mark.usefixtures("models")
def test_the_endpoint_warns_of_other_machines_refuses_a_taken_port_and_ends_by_ctrl_c(tmp_path) -> None:
    with serving(tmp_path, "--host", "0.0.0.0") as (url, process, log):
        port = url.rpartition(":")[2]
        taken = subprocess.run(
            [*COMMAND[:2], "--port", port], cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
        process.send_signal(signal.SIGINT)
        code = process.wait(PATIENCE)

    assert code == 0, log.read_text()
    assert "0.0.0.0 is reached from other machines, and there is no log-in." in log.read_text()
    assert taken.returncode == 1
    assert f"cannot listen at 127.0.0.1, port {port}" in taken.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("models")
def test_two_processes_count_together_and_end_with_their_killed_supervisor(tmp_path) -> None:
    questions = 20
    with serving(tmp_path, "--workers", "2") as (url, process, log):
        wait_for("second process", lambda: log.read_text().count("startup complete") == 2, log)
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        for _ in range(questions):  # each over a connection of its own, so that both processes get some
            assert httpx.get(f"{url}/recommend", params={"artist": PAIR[0], "track": PAIR[1]}).status_code == 200
        counts = {httpx.get(f"{url}/metrics").text for _ in range(5)}
        process.kill()
        killed = time.monotonic()
        wait_for("free port", lambda: not _listens(url), log)
        took = time.monotonic() - killed
        wait_for("end of the processes", lambda: not any(Path("/proc", child).exists() for child in children), log)

    shown = [f'rec_assets_requests_total{{path="/recommend",status="200"}} {questions}.0' in text for text in counts]
    assert shown == [True] * len(counts)
    assert took < 5


def _listens(url: str) -> bool:
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            other.bind(("127.0.0.1", int(url.rpartition(":")[2])))
            other.listen()
        except OSError:
            return True
        return False
