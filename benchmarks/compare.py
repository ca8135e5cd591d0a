"""Times this project against the tutorial, in turn and each run in a fresh process, and prints a table.

    python benchmarks/compare.py preparation --rows 1000000 --runs 5
    python benchmarks/compare.py dialect --rows 1000000
    python benchmarks/compare.py whole --source playlists.csv.gz

See ``benchmarks/README.md`` for what is compared. Imports little: a child's peak memory starts from ours.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from measure import Command, Measurement, measure, measure_whole, table

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "data" / "benchmarks"
PACKAGES = ("duckdb", "dagster", "gensim", "pandas", "numpy", "pyarrow")


def make_once(target: Path, *options: str) -> Path:
    """``target``, made by ``make_data.py`` with ``options`` unless it is there."""
    if not target.exists():
        command = [sys.executable, "benchmarks/make_data.py", str(target), *options]
        subprocess.run(command, cwd=ROOT, check=True)
    return target


def made(rows: int, suffix: str) -> Path:
    """Synthetic playlists of that size and format."""
    return make_once(CACHE / f"made_{rows}{suffix}", "--rows", str(rows))


def cleaned_once(source: Path) -> Path:
    """The rows of ``source``, in the public file's dialect, as parquet."""
    kept_as = f"{source.name.split('.')[0]}_{source.stat().st_size}.parquet"
    return make_once(CACHE / kept_as, "--from-dialect", str(source))


def preparation_commands(ours: Path, theirs: Path, *, lean: bool) -> dict[str, Command]:
    """Both sides up to the three splits, in one process each."""
    query = ["--lean"] if lean else []
    return {
        "ours": Command([sys.executable, "benchmarks/ours.py", str(ours), "--prepare-only"]),
        "tutorial": Command([sys.executable, "benchmarks/tutorial.py", str(theirs), "--prepare-only", *query]),
    }


def whole_commands(source: Path, tutorial_python: str, scratch: Path) -> dict[str, Command]:
    """Both sides from the shell to the hit rates: ours under Dagster, the tutorial under Metaflow."""
    cleaned = cleaned_once(source)
    dagster = str(Path(sys.executable).with_name("dagster"))
    job = ["-m", "rec_assets.definitions", "-j", "tutorial_job", "-c", "rec_assets/configs/tutorial.yaml"]
    return {
        "ours": Command(
            [dagster, "job", "execute", *job],
            # A home that exists, as after the first run: Dagster takes two seconds to make a new one.
            {
                "REC_ASSETS_SOURCE": str(source),
                "REC_ASSETS_STORAGE": str(CACHE / "storage"),
                "DAGSTER_HOME": str(dagster_home()),
            },
        ),
        "tutorial": Command(
            [tutorial_python, "benchmarks/tutorial_flow.py", "run", "--source", str(cleaned)],
            {"USERNAME": "benchmark", "METAFLOW_DATASTORE_SYSROOT_LOCAL": str(scratch / "metaflow")},
        ),
    }


def dagster_home() -> Path:
    """The folder for Dagster's history in the store, which is kept between runs."""
    home = CACHE / "storage" / ".dagster_home"
    home.mkdir(parents=True, exist_ok=True)
    return home


def describe_machine() -> str:
    """Processor, cores this process may use, and memory."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return f"{models[0] if models else 'unknown CPU'}, {len(os.sched_getaffinity(0))} cores, {memory:.0f} GB"


def commands_for(arguments: argparse.Namespace, scratch: Path) -> dict[str, Command]:
    """What is run for either side; stores go below ``scratch``."""
    if arguments.comparison == "whole":
        return whole_commands(arguments.source.resolve(), arguments.tutorial_python, scratch)
    parquet = made(arguments.rows, ".parquet")
    ours = made(arguments.rows, ".csv") if arguments.comparison == "dialect" else parquet
    return preparation_commands(ours, parquet, lean=arguments.lean)


def compare(arguments: argparse.Namespace) -> dict[str, list[Measurement]]:
    """All runs of both sides: ours, tutorial, ours, tutorial, ..."""
    measure_one = measure_whole if arguments.comparison == "whole" else measure
    measured: dict[str, list[Measurement]] = {"ours": [], "tutorial": []}
    for _ in range(arguments.runs):
        with tempfile.TemporaryDirectory(prefix="benchmark-") as scratch:
            for side, command in commands_for(arguments, Path(scratch)).items():
                measured[side].append(measure_one(command, ROOT))
    return measured


def parse_arguments() -> argparse.Namespace:
    """The command line; ends the process with a message if it is wrong."""
    parser = argparse.ArgumentParser(description="Times this project against the tutorial.")
    parser.add_argument("comparison", choices=["preparation", "dialect", "whole"])
    parser.add_argument("--rows", type=int, default=1_000_000, help="synthetic rows (not for whole)")
    parser.add_argument("--runs", type=int, default=3, help="runs of either side")
    parser.add_argument(
        "--lean",
        action="store_true",
        help="the tutorial with one list per playlist instead of its four (not for whole)",
    )
    parser.add_argument("--source", type=Path, help="whole: playlists in the public file's dialect")
    parser.add_argument(
        "--tutorial-python", default=sys.executable, help="whole: a Python that has metaflow and gensim"
    )
    arguments = parser.parse_args()
    if arguments.comparison == "whole" and not (arguments.source and arguments.source.exists()):
        parser.error("whole needs --source FILE, a .csv or .csv.gz that exists")
    return arguments


def main() -> None:
    """Runs the comparison and prints the table with all that a reader needs to judge it."""
    arguments = parse_arguments()
    measured = compare(arguments)
    data = arguments.source.name if arguments.comparison == "whole" else f"{arguments.rows:,} synthetic rows"
    data += ", the tutorial with one list" if arguments.lean else ""
    today = datetime.now(UTC).date()
    print(f"{arguments.comparison}: {data}, {arguments.runs} runs of each, in turn, {today}")
    print(f"{describe_machine()}; " + ", ".join(f"{name} {version(name)}" for name in PACKAGES))
    print(table(measured))


if __name__ == "__main__":
    main()
