"""The endpoint under load, while models are promoted: requests per second, times, failures and memory.

    python benchmarks/serving.py data/benchmarks/promoted_12900000 --workers 1 2 --clients 4 --seconds 20

Each client keeps one connection and asks all the time, for 1 to 5 tracks that are drawn as often as they occur in
training. Clients, promotions and server share the machine's cores. The given store is not touched: a second version
is written beside links to the first, below ``data/benchmarks/``. Every answer is checked for its version.
"""

import argparse
import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
from compare import CACHE, ROOT, describe_machine
from measure import status_megabytes

from rec_assets.core.promoted.model import PromotedModel, read_facts
from rec_assets.store.promoted_models import FOLDER, POINTER, PromotedModels

PATIENCE = 120
_VERSION = re.compile(rb'\{"version":(\d+),')


def two_versions(store: Path) -> tuple[PromotedModels, list[int]]:
    """A store with the promoted version of ``store`` and a second one that differs by its number."""
    original, copy = PromotedModels(str(store)), CACHE / f"serving_{store.name}"
    model, first = original.open_current(), int((original.current() or {})["version"])
    shutil.rmtree(copy, ignore_errors=True)
    (copy / FOLDER).mkdir(parents=True)
    name = f"v{first:04d}.safetensors"
    (copy / FOLDER / name).hardlink_to(store / FOLDER / name)
    shutil.copy(store / POINTER, copy)
    models = PromotedModels(str(copy))
    lineage = read_facts(store / FOLDER / name)[1]
    models.add(model.recommender, model.names, {**model.facts, "version": first + 1}, lineage)
    return models, [first + 1, first]


def questions(model: PromotedModel, count: int, k: int, why: bool) -> list[str]:
    """Paths with the names of 1 to 5 known tracks each."""
    draw, names, known = np.random.default_rng(0), model.names, model.recommender.tracks
    ends = np.cumsum(known.count)
    paths = []
    while len(paths) < count:
        rows = np.searchsorted(ends, draw.integers(ends[-1], size=int(draw.integers(1, 6))), side="right")
        pairs = names.of(known.track_index[rows])
        if all(artist and title for artist, title in pairs):
            words = [
                word for pair in pairs for word in zip(("artist", "track"), (str(name) for name in pair), strict=True)
            ]
            paths.append("/recommend?" + urlencode([*words, ("k", k), ("why", why)]))
    return paths


class Client(threading.Thread):
    """Asks one question after the other over one connection."""

    def __init__(self, port: int, paths: list[str], versions: set[int]) -> None:
        super().__init__()
        self._port, self._paths, self._versions = port, paths, versions
        self.ended = threading.Event()
        self.seconds: list[float] = []
        self.seen: set[int] = set()
        self.failures: list[str] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE)
        place = 0
        while not self.ended.is_set():
            begun = time.perf_counter()
            try:
                self._ask(connection, self._paths[place % len(self._paths)])
            except (OSError, http.client.HTTPException) as error:
                self.failures.append(repr(error))
                connection.close()
            self.seconds.append(time.perf_counter() - begun)
            place += 1

    def _ask(self, connection: http.client.HTTPConnection, path: str) -> None:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
        version = _VERSION.match(body)
        if response.status != 200 or version is None or int(version[1]) not in self._versions:
            self.failures.append(f"{response.status} {body[:200]!r}")
        else:
            self.seen.add(int(version[1]))


def measure(models: PromotedModels, versions: list[int], arguments: argparse.Namespace, workers: int) -> dict:
    """One server under load."""
    log = Path(models.base) / "serve.log"
    command = [str(Path(sys.executable).with_name("rec-assets")), "serve", "--storage", models.base, "--port", "0"]
    with log.open("wb") as output:
        server = subprocess.Popen([*command, "--workers", str(workers)], cwd=ROOT, stdout=output, stderr=output)
    try:
        port = wait_for_port(log)
        wait_for_health(port)
        figures = load(models, versions, arguments, port)
        figures |= memory([server.pid, *children(server.pid)])
        server.send_signal(signal.SIGTERM)
        return {"workers": workers, **figures, "exit_code": server.wait(PATIENCE)}
    finally:
        if server.poll() is None:
            server.kill()


def load(models: PromotedModels, versions: list[int], arguments: argparse.Namespace, port: int) -> dict:
    """Asks for some seconds, while models are promoted in even steps."""
    model = models.open(versions[0])
    clients = [
        Client(port, questions(model, 500, arguments.k, arguments.why)[number::7], set(versions))
        for number in range(arguments.clients)
    ]
    begun = time.perf_counter()
    for client in clients:
        client.start()
    for promotion in range(arguments.promotions):
        models.point_to(versions[promotion % 2], by="benchmark")
        time.sleep(max(0.0, begun + (promotion + 1) * arguments.seconds / arguments.promotions - time.perf_counter()))
    time.sleep(max(0.0, begun + arguments.seconds - time.perf_counter()))
    for client in clients:
        client.ended.set()
    for client in clients:
        client.join()
    took = time.perf_counter() - begun
    seconds = np.concatenate([client.seconds for client in clients])
    failures = [failure for client in clients for failure in client.failures]
    print(*failures[:5], sep="\n", file=sys.stderr)
    return {
        "requests_per_second": round(len(seconds) / took, 1),
        **{name: round(1_000 * float(np.quantile(seconds, q)), 1) for name, q in (("p50_ms", 0.5), ("p99_ms", 0.99))},
        "max_ms": round(1_000 * float(seconds.max()), 1),
        "requests": len(seconds),
        "failures": len(failures),
        "versions_seen": sorted(set.union(*(client.seen for client in clients))),
    }


def wait_for_port(log: Path) -> int:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text())
        if found:
            return int(found[1])
        time.sleep(0.1)
    raise SystemExit(f"the server did not start:\n{log.read_text()}")


def wait_for_health(port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("the server has no model")


def children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def memory(pids: list[int]) -> dict[str, float]:
    """Peak resident memory of the largest process, the mapped files included, and what the processes own now."""
    peaks, own = [], 0
    for pid in pids:
        peaks.append(status_megabytes("VmHWM", pid))
        own += status_megabytes("RssAnon", pid)
    return {"peak_mb": round(max(peaks)), "own_mb": round(own)}


def main() -> None:
    """Reads the command line, prints what was measured."""
    parser = argparse.ArgumentParser(description="The endpoint under load.")
    parser.add_argument("store", type=Path, help="folder of a store with a promoted model")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--clients", type=int, nargs="+", default=[4])
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--promotions", type=int, default=10)
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--why", action="store_true")
    arguments = parser.parse_args()
    models, versions = two_versions(arguments.store.resolve())
    results = []
    for workers in arguments.workers:
        for clients in arguments.clients:
            chosen = argparse.Namespace(**{**vars(arguments), "clients": clients})
            results.append({"clients": clients, **measure(models, versions, chosen, workers)})
            print(json.dumps(results[-1]), flush=True)
    shutil.rmtree(models.base)
    print(f"{arguments.store.name}, k={arguments.k}, {arguments.promotions} promotions in {arguments.seconds:.0f} s")
    print(f"{describe_machine()}; load {os.getloadavg()[0]:.1f}; {datetime.now(UTC).date()}")
    print("| workers | clients | requests/s | p50 ms | p99 ms | slowest ms | failures | peak MB | own MB |")
    print("|---|---|---|---|---|---|---|---|---|")
    for r in results:
        print(
            f"| {r['workers']} | {r['clients']} | {r['requests_per_second']:.0f} | {r['p50_ms']:.0f} "
            f"| {r['p99_ms']:.0f} | {r['max_ms']:.0f} | {r['failures']} | {r['peak_mb']:,} | {r['own_mb']:,} |"
        )


if __name__ == "__main__":
    main()
