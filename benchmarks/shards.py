"""Ranks and recommendations at full size in one part, in shards, and in shards on a Ray cluster: same bytes, what cost.

    python benchmarks/shards.py --rows 12900000 --shards 8 --workers 2

Each way in a fresh process, on the store of ``benchmarks/promoted.py build``, whose model is mapped from its file. Ray
(the extra ``ray``) is started for its run with so many workers of one core each. Memory is the peak of the proportional
share (PSS) of all processes together, looked at every half second: what several map is counted once.
"""

import argparse
import hashlib
import json
import os
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from compare import ROOT, describe_machine
from promoted import promoted_store
from strategies import NEEDED, prepared

WAYS = ("one_part", "shards", "ray")


class Memory:
    """The peak of this process and of Ray's workers while the block runs, in MB."""

    def __enter__(self) -> "Memory":
        self.own = self.workers = self.together = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stop.wait(0.5):
            own, workers = _proportional(os.getpid()), [_proportional(pid) for pid in _workers()]
            self.own = max(self.own, own)
            self.workers = max(self.workers, *workers, 0.0)
            self.together = max(self.together, own + sum(workers))


def _workers() -> list[int]:
    """The processes of this one's own Ray cluster, by name, which says what they do."""
    parents, rays = {}, []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(process.name)] = int((process / "stat").read_text().rpartition(") ")[2].split()[1])
            if (process / "cmdline").read_bytes().startswith(b"ray::"):
                rays.append(int(process.name))
        except OSError:  # it has ended
            continue

    def is_own(pid: int) -> bool:
        return pid == os.getpid() or (pid in parents and is_own(parents[pid]))

    return [pid for pid in rays if is_own(pid)]


def _proportional(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:"))


def run(way: str, rows: int, shards: int, workers: int, playlists: int) -> dict[str, float | str]:
    """Ranks the first ``playlists`` that are held out and recommends to as many of all, in one way; 0 = all."""
    import duckdb

    from rec_assets.core.base.flat_sequences import FlatSequences
    from rec_assets.core.base.shards import Shards
    from rec_assets.core.evaluation.comparison import rank_held_out
    from rec_assets.core.promoted.batch import recommend_to_all
    from rec_assets.core.promoted.comparing import own_index
    from rec_assets.defs.shared.workers import ray_map
    from rec_assets.store.promoted_models import PromotedModels
    from rec_assets.store.table_file import write_table

    if way == "ray":
        import ray  # pyright: ignore[reportMissingImports]

        ray.init("local", num_cpus=workers, include_dashboard=False, log_to_driver=False)
    model = PromotedModels(str(promoted_store(rows))).open_current()

    def cut(total: int) -> Shards:
        size = total if way == "one_part" else -(-total // shards)
        return Shards(size, ray_map if way == "ray" else map)

    figures: dict[str, float | str] = {"way": way}
    with duckdb.connect(config={"memory_limit": "400MB"}) as connection:
        files = {name: connection.read_parquet(str(prepared(rows) / f"{name}.parquet")) for name in NEEDED}
        held_out = FlatSequences.from_relation(files["validation_sequences"].union(files["test_sequences"]))
        held_out = held_out[: playlists or None]
        everyone = files["playlist_sequences"].limit(playlists) if playlists else files["playlist_sequences"]
        known = model.known_rows(
            FlatSequences.from_relation(everyone), own_index(connection, files["track_catalog"], model.names)
        )
        names = everyone.select("user_id", "playlist").to_arrow_table()
        with Memory() as memory:
            begun = time.perf_counter()
            ranks = rank_held_out(model.recommender, held_out, shards=cut(len(held_out)))
            ranked = time.perf_counter()
            target = promoted_store(rows) / f"{way}.parquet"
            stream = recommend_to_all(model, known, names, depth=20, shards=cut(len(known)))
            write_table(connection.from_arrow(stream), target, {})
            ended = time.perf_counter()
    digest = hashlib.sha256(b"".join(array.tobytes() for array in vars(ranks).values())).hexdigest()[:12]
    figures |= {"held_out": len(held_out), "rank_seconds": round(ranked - begun, 1), "ranks": digest}
    figures |= {"playlists": len(known), "recommend_seconds": round(ended - ranked, 1)}
    figures |= {"table": hashlib.sha256(target.read_bytes()).hexdigest()[:12]}
    peaks = {"own": memory.own, "largest_worker": memory.workers, "together": memory.together}
    return figures | {f"{name}_mb": round(peak) for name, peak in peaks.items()}


def main() -> None:
    """Each way in a process of its own; ends with exit code 1 unless all gave the same bytes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ways", nargs="*", default=list(WAYS), help="one_part, shards, ray; all unless named")
    parser.add_argument("--rows", type=int, default=12_900_000)
    parser.add_argument("--shards", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2, help="of Ray, a core each")
    parser.add_argument(
        "--playlists", type=int, default=0, help="no more than the first so many of each table; 0 = all"
    )
    asked = parser.parse_args()
    if len(asked.ways) == 1:
        print(json.dumps(run(asked.ways[0], asked.rows, asked.shards, asked.workers, asked.playlists)), flush=True)
        return
    found = []
    for way in asked.ways:
        options = [f"--{name}={getattr(asked, name)}" for name in ("rows", "shards", "workers", "playlists")]
        command = [sys.executable, "benchmarks/shards.py", way, *options]
        line = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1]
        print(line.decode(), flush=True)
        found.append(json.loads(line))
    print(f"{describe_machine()}, load {os.getloadavg()[0]:.1f}; {datetime.now(UTC).date()}")
    if len({(one["ranks"], one["table"]) for one in found}) > 1:
        raise SystemExit("the ways gave different bytes")


if __name__ == "__main__":
    main()
