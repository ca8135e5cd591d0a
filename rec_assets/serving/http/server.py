"""Runs the endpoint in this process, or in several; imports neither numpy nor the model."""

import ipaddress
import logging
import multiprocessing
import os
import signal
import threading
import time
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.config import LOGGING_CONFIG
from uvicorn.supervisors import Multiprocess

from rec_assets.core.base.errors import SettingsError
from rec_assets.serving.http.connections import Connection
from rec_assets.store.temporary import ScratchFolder

if TYPE_CHECKING:
    from fastapi import FastAPI

# A hundred pairs of long names in Latin script fit.
LONGEST_HEAD = 128 * 1024
_SECONDS_TO_END = 10
# The port must be free soon after the supervisor was killed.
_SECONDS_TO_FOLLOW = 3
# Where processes write what they count; read when prometheus_client is imported.
COUNTS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# A process that reads a file of full size from a cold disk is not dead.
_SECONDS_TO_START = 60
# One question is too small for several threads, which would spin while they wait for each other.
_ONE_THREAD_EACH = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_log = logging.getLogger("rec_assets.serving")


@dataclass(frozen=True)
class ServingSettings:
    """How the endpoint is run.

    Attributes:
        storage: folder or URL of the store.
        host: address to listen at; there is no log-in.
        port: 0 = any that is free, which is in the log.
        workers: processes; they share the mapped file.
        poll_seconds: between two looks at what is promoted.
        access_log: whether each request is logged, names included.
        cors_origins: pages of these origins may ask from a browser; ``*`` = of all.
    """

    storage: str
    host: str = "127.0.0.1"
    port: int = 8_000
    workers: int = 1
    poll_seconds: float = 1.0
    access_log: bool = False
    cors_origins: tuple[str, ...] = ()

    @property
    def threads(self) -> int:
        """Questions that one process answers at a time: as many as it has cores to itself."""
        return max(1, (os.cpu_count() or 1) // self.workers)

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the endpoint."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"


def serve(settings: ServingSettings) -> None:
    """Serve until SIGTERM or SIGINT; requests that were begun are answered.

    Raises SettingsError: the address cannot be listened at.
    """
    for name in _ONE_THREAD_EACH:
        os.environ.setdefault(name, "1")  # read when numpy is imported, here and in the processes
    config = server_config(settings)
    if not settings.is_local:
        _log.warning("%s is reached from other machines, and there is no log-in.", settings.host)
    try:
        listener = config.bind_socket()
    except SystemExit as error:
        raise SettingsError(
            f"cannot listen at {settings.host}, port {settings.port}: the log says why. Give another --host or --port."
        ) from error
    if settings.workers > 1:
        with closing(ScratchFolder()) as counts:
            os.environ[COUNTS_FOLDER] = str(counts.path)
            Multiprocess(config, sockets=[listener]).run()
        return
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _end)
    uvicorn.Server(config).run(sockets=[listener])


def server_config(settings: ServingSettings) -> uvicorn.Config:
    """Uvicorn's settings; makes its log and ours one."""
    return uvicorn.Config(
        partial(_create_app, settings),
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        http=Connection,  # over h11: httptools takes a request line of any length
        h11_max_incomplete_event_size=LONGEST_HEAD,
        ws="none",
        lifespan="on",
        # Not limit_concurrency, which counts idle connections, too, and then refuses everybody.
        timeout_graceful_shutdown=_SECONDS_TO_END,
        timeout_worker_healthcheck=_SECONDS_TO_START,
        access_log=settings.access_log,
        proxy_headers=False,
        server_header=False,
        log_config=_log_config(),
    )


def _create_app(settings: ServingSettings) -> "FastAPI":
    from rec_assets.serving.http.app import create_app  # numpy, after its threads are set

    supervisor = multiprocessing.parent_process()
    if supervisor is not None:
        threading.Thread(target=_end_with, args=[supervisor], name="end-with-supervisor", daemon=True).start()
    return create_app(settings)


def _end_with(supervisor: BaseProcess) -> None:
    """Ends this process after ``supervisor``, which may have been killed; else it would go on and keep the port."""
    supervisor.join()
    _log.error("the supervisor has ended, and so does this process.")
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(_SECONDS_TO_FOLLOW)
    os._exit(1)


def _log_config() -> dict:
    config = deepcopy(LOGGING_CONFIG)
    config["loggers"]["rec_assets"] = {"handlers": ["default"], "level": "INFO", "propagate": False}
    return config


def _end(number: int, frame: FrameType | None) -> None:
    """Uvicorn sends itself the signal again when all is done: an orderly end is no failure."""
    raise SystemExit(0)
