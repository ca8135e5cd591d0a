"""This project's assets in one process, timed step by step.

    python benchmarks/ours.py cleaned.parquet [--prepare-only]

materializes ``tutorial_job``, or its assets up to the three splits, from the given file (any format that
``raw_playlists`` reads) into a temporary store and prints one JSON line. Seconds are those that Dagster
measures for each step, which include storing its result; ``total`` is the wall time of the whole run, and
start-up and imports are in neither.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import dagster as dg
from tutorial import peak_megabytes

PREPARATION = (
    "raw_playlists",
    "track_catalog",
    "playlist_sequences",
    "train_sequences",
    "validation_sequences",
    "test_sequences",
)


def run(source: Path, storage: Path, *, prepare_only: bool) -> dict[str, object]:
    """Materializes the assets; returns seconds and peak memory, and the hit rates if they were computed."""
    os.environ |= {"REC_ASSETS_SOURCE": str(source), "REC_ASSETS_STORAGE": str(storage)}
    from rec_assets.definitions import defs  # reads the two variables when it is imported

    job = defs.resolve_job_def("tutorial_job")
    selection = [dg.AssetKey(name) for name in PREPARATION] if prepare_only else None
    with dg.DagsterInstance.ephemeral() as instance:
        start, cpu_start = time.perf_counter(), time.process_time()
        result = job.execute_in_process(asset_selection=selection, instance=instance, raise_on_error=True)
        total, cpu = time.perf_counter() - start, time.process_time() - cpu_start
    return {
        "seconds": step_seconds(result),
        "total": round(total, 3),
        "cpu": round(cpu, 3),
        "peak_mb": peak_megabytes(),
        **({} if prepare_only else {"hit_rates": hit_rates(result)}),
    }


def step_seconds(result: dg.ExecuteInProcessResult) -> dict[str, float]:
    """Seconds by step, asset checks among them, in the order in which they ended."""
    succeeded = [event for event in result.all_events if event.is_step_success]
    return {str(e.step_key): round(e.step_success_data.duration_ms / 1000, 3) for e in succeeded}


def hit_rates(result: dg.ExecuteInProcessResult) -> dict[str, float]:
    """The hit rate on either held-out part, as stored."""
    return {part: result.output_for_node(f"{part}_hit_rate")["hit_rate"] for part in ("validation", "test")}


def main() -> None:
    """Reads the command line, prints one JSON line."""
    parser = argparse.ArgumentParser(description="This project's assets, timed.")
    parser.add_argument("source", type=Path, help="playlists: parquet or the public file's dialect")
    parser.add_argument("--prepare-only", action="store_true", help="stop after the three splits")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="rec_assets-benchmark-") as storage:
        result = run(arguments.source.resolve(), Path(storage), prepare_only=arguments.prepare_only)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
