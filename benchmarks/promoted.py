"""A promoted model at full size: its file, one question from the shell and in a process.

    python benchmarks/promoted.py --rows 12900000

Synthetic rows, prepared as by ``benchmarks/strategies.py``: times and memory are those of real data of that size
and hit rates are not. The store is left in ``data/benchmarks/promoted_<rows>``, for ``benchmarks/serving.py``.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from compare import CACHE, ROOT, describe_machine
from strategies import NEEDED, prepared
from tutorial import peak_megabytes

SINGLE_QUERIES, SHELL_RUNS, K = 200, 5, 100


def promoted_store(rows: int) -> Path:
    """The store with one promoted version, made once."""
    return CACHE / f"promoted_{rows}"


def build(rows: int) -> dict[str, float | int]:
    """Fits the ranker on the prepared store and promotes it, without the evaluation before the gate."""
    import duckdb
    from strategies import load

    from rec_assets.core.base.lineage import derive_lineage
    from rec_assets.core.promoted.model import names_of_catalog
    from rec_assets.store.promoted_models import PromotedModels

    start = time.perf_counter()
    recommender, embeddings, _ = load(prepared(rows))
    fitted = time.perf_counter()
    with duckdb.connect(config={"memory_limit": "400MB"}) as connection:
        files = {name: connection.read_parquet(str(prepared(rows) / f"{name}.parquet")) for name in NEEDED}
        names = names_of_catalog(files["track_catalog"], recommender.tracks)
    named = time.perf_counter()
    counts = {"rows": rows, "tracks": len(names), "vocabulary": len(embeddings)}
    facts = {"version": 1, "strategy": "ranker", "k": K, "hit_rate": 0.0, "dev_run": False, "counts": counts}
    models = PromotedModels(str(promoted_store(rows)))
    lineage = derive_lineage("promoted_model", code_version="benchmark", settings={}, inputs={})
    target = models.add(recommender, names, facts, lineage)
    written = time.perf_counter()
    models.point_to(1, by="benchmark")
    return {
        **counts,
        "fit_seconds": round(fitted - start, 1),
        "names_seconds": round(named - fitted, 1),
        "write_seconds": round(written - named, 1),
        "megabytes": round(target.stat().st_size / 1e6, 1),
        "peak_mb": peak_megabytes(),
    }


def single(rows: int) -> dict[str, float]:
    """Opens the model and asks one history after the other."""
    from rec_assets.core.promoted.recommendations import recommend_after
    from rec_assets.store.promoted_models import PromotedModels

    start = time.perf_counter()
    model = PromotedModels(str(promoted_store(rows))).open_current()
    opened = time.perf_counter()
    draw, seconds = np.random.default_rng(0), []
    tracks = model.recommender.tracks
    warm = tracks.track_index[: int(np.count_nonzero(tracks.count >= 3))]
    recommend_after(model, warm[:3].tolist(), k=K)
    first = time.perf_counter()
    for _ in range(SINGLE_QUERIES):
        history = draw.choice(warm, size=int(draw.integers(1, 6))).tolist()
        begun = time.perf_counter()
        recommend_after(model, history, k=K)
        seconds.append(time.perf_counter() - begun)
    return {
        "open_ms": round(1_000 * (opened - start), 1),
        "first_query_ms": round(1_000 * (first - opened), 1),
        "median_query_ms": round(1_000 * statistics.median(seconds), 2),
        "p99_query_ms": round(1_000 * float(np.quantile(seconds, 0.99)), 2),
        "peak_mb": peak_megabytes(),
    }


def shell(rows: int) -> dict[str, float | str]:
    """Wall time of ``rec-assets recommend``: spelt right, misspelt, unknown."""
    from rec_assets.store.promoted_models import PromotedModels

    model = PromotedModels(str(promoted_store(rows))).open_current()
    track = int(model.recommender.tracks.track_index[1_000])
    artist, title = (name or "" for name in model.names.name_of(track))
    questions = {
        "exact": [artist, title],
        "misspelt": [artist[:-2] + artist[-1:], title[0] + title[2:]],
        "unknown": ["Qzxwv Kjhgf", "Wvxzq"],
    }
    figures: dict[str, float | str] = {"track": f"{artist} – {title}"}
    environment = {**os.environ, "REC_ASSETS_STORAGE": str(promoted_store(rows))}
    for name, words in questions.items():
        seconds = []
        for _ in range(SHELL_RUNS):
            begun = time.perf_counter()
            command = [str(Path(sys.executable).parent / "rec-assets"), "recommend", *words]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
            seconds.append(time.perf_counter() - begun)
        figures |= {f"{name}_seconds": round(statistics.median(seconds), 3), f"{name}_exit_code": done.returncode}
    return figures


PARTS = {"build": build, "single": single, "shell": shell}


def main() -> None:
    """Each part in a process of its own, or the one that is named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS), help="build, single, shell; all unless named")
    parser.add_argument("--rows", type=int, default=12_900_000)
    asked = parser.parse_args()
    if len(asked.parts) == 1:
        print(json.dumps({asked.parts[0]: PARTS[asked.parts[0]](asked.rows)}), flush=True)
        return
    prepared(asked.rows)
    for part in asked.parts:
        command = [sys.executable, "benchmarks/promoted.py", part, "--rows", str(asked.rows)]
        subprocess.run(command, cwd=ROOT, check=True)
    print(f"{asked.rows:,} synthetic rows, k={K}; {describe_machine()}; {datetime.now(UTC).date()}")


if __name__ == "__main__":
    main()
