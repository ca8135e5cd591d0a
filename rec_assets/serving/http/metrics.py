"""What the endpoint counts, in the format of Prometheus, over all its processes."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rec_assets.serving.http.current import CurrentModel
from rec_assets.serving.http.server import COUNTS_FOLDER

PATHS = ("/", "/recommend", "/tracks", "/health", "/metrics", "/openapi.json")
# Seconds; the bar is 0.04.
_BUCKETS = (0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.6, 1.2, 2.5, 5, 10)


class Metrics:
    """Counters and gauges; where there are several processes each writes its own into files of one folder.

    Attributes:
        waiting: questions that are not answered yet.
    """

    def __init__(self, current: CurrentModel) -> None:
        disable_created_metrics()
        own = CollectorRegistry()
        self._requests = Counter(
            "rec_assets_requests", "Requests by path and status.", ["path", "status"], registry=own
        )
        self._seconds = Histogram(
            "rec_assets_request_seconds",
            "Seconds from the head of a request to the end of its answer.",
            ["path"],
            buckets=_BUCKETS,
            registry=own,
        )
        self.waiting = Gauge(
            "rec_assets_questions_waiting",
            "Questions that are not answered yet.",
            registry=own,
            multiprocess_mode="livesum",
        )
        self._folder = os.environ.get(COUNTS_FOLDER)
        self._shown = CollectorRegistry() if self._folder else own
        if self._folder:
            MultiProcessCollector(self._shown, path=self._folder)
        self._shown.register(_OfModel(current))

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        for file in Path(self._folder).glob("gauge_live*_*.db") if self._folder else []:
            process = file.stem.rpartition("_")[2]
            if not Path("/proc", process).exists():
                mark_process_dead(int(process), self._folder)
        return generate_latest(self._shown)

    def count(self, path: str, status: int, seconds: float) -> None:
        """Adds one request; paths that do not exist are one, since anybody can invent them."""
        path = path if path in PATHS else "other"
        self._requests.labels(path, str(status)).inc()
        self._seconds.labels(path).observe(seconds)


class Measured:
    """Counts the requests to ``app`` in ``metrics``."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            status = message.get("status", status)
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            self._metrics.count(scope["path"], status, time.perf_counter() - begun)


class _OfModel(Collector):
    """What is known of the model that this process serves; the others follow within a second."""

    def __init__(self, current: CurrentModel) -> None:
        self._current = current

    def collect(self) -> Iterator[Metric]:
        served = self._current.served
        is_current = served is not None and self._current.problem is None
        yield GaugeMetricFamily("rec_assets_serves_promoted", "1 = what is promoted is served.", float(is_current))
        if served is not None:
            yield GaugeMetricFamily("rec_assets_model_version", "Version that is served.", served.facts["version"])
            yield GaugeMetricFamily("rec_assets_model_hit_rate", "Its hit rate@k, 0..1.", served.facts["hit_rate"])
            yield GaugeMetricFamily("rec_assets_seconds_since_promotion", "Seconds since it was promoted.", served.age)
