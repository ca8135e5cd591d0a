"""What the gate lets through: broken data, and scheduled runs that are killed at random.

    python benchmarks/promotion.py broken data/synthetic_playlists.csv.gz
    python benchmarks/promotion.py kills data/synthetic_playlists.csv.gz --runs 20

``broken`` promotes a model, and then another by another seed; after that it trains on the same file with half the rows
moved to other playlists, on a tenth of its rows, on an empty file, and with artists and tracks swapped: each of these
must be refused, with its reason. ``kills`` runs the job again and again, each with another seed, and kills every second
one at a random moment; after each it reads the promoted model in full and asks it.
"""

import argparse
import itertools
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import yaml
from compare import ROOT, describe_machine

from rec_assets.core.promoted.recommendations import recommend_after
from rec_assets.store.promoted_models import PromotedModels

_MOVED = "hash(row_id, 'moved') % 2 = 0"
BROKEN = {
    # Half the rows go to the playlist of another row: a fixed shuffle of these rows.
    "half the rows shuffled": f"""
        WITH placed AS (SELECT *, row_number() OVER (ORDER BY row_id) AS own,
                            row_number() OVER (ORDER BY hash(row_id)) AS other FROM rows WHERE {_MOVED})
        SELECT a.row_id, b.user_id, b.playlist, a.artist, a.track FROM placed a JOIN placed b ON a.own = b.other
        UNION ALL SELECT * FROM rows WHERE NOT ({_MOVED}) ORDER BY row_id""",
    "a tenth of the rows": "SELECT * FROM rows WHERE hash(row_id, 'tenth') % 10 = 0 ORDER BY row_id",
    "an empty file": "SELECT * FROM rows WHERE false",
    "artists and tracks swapped": "SELECT row_id, user_id, playlist, track AS artist, artist AS track FROM rows",
}


class Place:
    """A store and an instance of their own."""

    def __init__(self, folder: Path, config: dict[str, Any]) -> None:
        self.folder, self.config, self.models = folder, config, PromotedModels(str(folder / "store"))
        (folder / "home").mkdir()

    def start(self, **changes: Any) -> subprocess.Popen[str]:
        """A run of the job in a process of its own."""
        file = self.folder / "config.yaml"
        file.write_text(yaml.safe_dump({**self.config, **changes}), encoding="utf-8")
        command = ["dagster", "job", "execute", "-m", "rec_assets.definitions", "-j", "training_job", "-c", str(file)]
        own = {"REC_ASSETS_STORAGE": str(self.folder / "store"), "DAGSTER_HOME": str(self.folder / "home")}
        return subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=ROOT,
            env={**os.environ, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, what: str, **changes: Any) -> None:
        """Prints what became of a run."""
        before, started = self.version(), time.monotonic()
        process = self.start(**changes)
        output, _ = process.communicate()
        seconds = time.monotonic() - started
        told = f"promoted version {self.version()}" if self.version() != before else f"version {before} stays"
        print(f"{what}: {told}, exit code {process.returncode}, {seconds:.0f} s", flush=True)
        for line in output.splitlines():
            # A refusal is a line of the log; an error that its user can mend stands below its log line.
            if "REFUSED" in line or line.startswith("rec_assets.core.base.errors."):
                print(f"    {line.split(' - ')[-1].strip()}", flush=True)

    def version(self) -> int | None:
        """The version that is promoted."""
        current = self.models.current()
        return current["version"] if current else None


def broken(place: Place, source: Path) -> None:
    """Runs of which only the first two may be promoted."""
    place.run("the first run", source=str(source), seed=1)
    place.run("another seed", source=str(source), seed=2)
    with duckdb.connect() as connection:
        rows = connection.read_parquet(str(place.folder / "store" / "raw_playlists.parquet"))
        files = {}
        for number, (what, sql) in enumerate(BROKEN.items()):
            files[what] = place.folder / f"broken{number}.parquet"
            rows.query("rows", sql).to_parquet(str(files[what]))
    for what, file in files.items():
        place.run(what, source=str(file))
    place.run("the good file again", source=str(source), seed=3)


def kills(place: Place, source: Path, runs: int) -> None:
    """Runs with another seed each, every second one killed at a random moment of the time that a whole one takes."""
    draw, started = random.Random(0), time.monotonic()
    place.run("the first run", source=str(source), seed=1)
    whole = time.monotonic() - started
    rates = [place.models.current()["hit_rate"]]
    for number in range(runs):
        if number % 2:
            process = place.start(source=str(source), seed=number + 2)
            moment = draw.uniform(0.3, 1.0) * whole
            try:
                process.communicate(timeout=moment)
                print(f"{number + 1}: ended before it was killed", flush=True)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
                print(f"{number + 1}: killed after {moment:.1f} s", flush=True)
        else:
            place.run(str(number + 1), source=str(source), seed=number + 2)
        current = place.models.current()
        model = place.models.open(current["version"], again=True)
        assert len(recommend_after(model, [0, 1, 2], k=100)) == 100
        assert model.facts["version"] == current["version"]
        if current["hit_rate"] != rates[-1]:
            rates.append(current["hit_rate"])
        leftovers = [path.name for path in place.folder.rglob(".writing-*")]
        print(f"    whole: version {current['version']}, hit rate {current['hit_rate']:.4f}, left over {leftovers}")
    steps = [round(after - before, 4) for before, after in itertools.pairwise(rates)]
    print(f"hit rates of the promoted models {[round(rate, 4) for rate in rates]}, steps {steps}")


def main() -> None:
    """The part that is named, in a folder that is removed at the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=["broken", "kills"])
    parser.add_argument("source", type=Path)
    parser.add_argument("--config", type=Path, default=ROOT / "rec_assets" / "configs" / "default.yaml")
    parser.add_argument("--runs", type=int, default=20)
    asked = parser.parse_args()
    config = yaml.safe_load(asked.config.read_text(encoding="utf-8")) or {}
    with tempfile.TemporaryDirectory() as folder:
        place = Place(Path(folder), config)
        if asked.part == "broken":
            broken(place, asked.source.resolve())
        else:
            kills(place, asked.source.resolve(), asked.runs)
    print(f"{asked.source.name}, {asked.config.name}; {describe_machine()}; {datetime.now(UTC).date()}")


if __name__ == "__main__":
    main()
