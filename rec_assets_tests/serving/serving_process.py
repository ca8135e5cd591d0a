"""The endpoint in a thread of the test's process, with the real HTTP parser."""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from rec_assets.serving.http.server import ServingSettings, server_config

PATIENCE = 30


@contextmanager
def served(store: Path, **settings: Any) -> Iterator[httpx.Client]:
    """A client of an endpoint over ``store`` that looks for promotions all the time."""
    log = logging.getLogger("rec_assets")
    before = log.handlers.copy(), log.propagate, log.level
    config = server_config(ServingSettings(str(store), port=0, **{"poll_seconds": 0.02, **settings}))
    listener = config.bind_socket()
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        until(lambda: server.started)
        with httpx.Client(base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=PATIENCE) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        log.handlers, log.propagate, log.level = before  # the handler writes to a stderr that is gone with the test
        assert not thread.is_alive()


def until(look: Any) -> Any:
    """The first true value of ``look``."""
    deadline = time.monotonic() + PATIENCE
    while not (found := look()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)
    return found
