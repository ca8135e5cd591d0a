"""Time and memory of each strategy on synthetic data.

    python benchmarks/strategies.py answer --rows 12900000

loads, fits and asks each strategy in a fresh process, as the leaderboard asks it. It prepares first, unless that is
done: the rows, this project's assets up to the splits, embeddings and the ranker, below ``data/benchmarks/``.
Embeddings are trained for one epoch, as CBOW: how long an answer takes does not depend on how good the vectors are, so
the hit rates of ``track_vectors`` and ``ranker`` are below what they can be.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from compare import CACHE, ROOT, describe_machine, made
from tutorial import peak_megabytes

STRATEGIES = (
    "popularity",
    "title_words",
    "artist_affinity",
    "sequential_rules",
    "item_knn",
    "playlist_knn",
    "track_vectors",
    "ranker",
)
NEEDED = ("track_catalog", "playlist_sequences", "train_sequences", "validation_sequences", "test_sequences")
TRAINED = ("track_embeddings", "track_ranker")
K = 100


def prepared(rows: int) -> Path:
    """The store with all that the strategies need, made once by this project's job in a process of its own."""
    storage = CACHE / f"strategies_{rows}"
    if not (storage / "track_ranker.json").exists():
        command = [sys.executable, "benchmarks/strategies.py", "prepare", "--rows", str(rows)]
        subprocess.run(command, cwd=ROOT, check=True, stdout=sys.stderr)
    return storage


def prepare(rows: int) -> None:
    """Materializes the assets into the store."""
    import dagster as dg

    storage = CACHE / f"strategies_{rows}"
    os.environ |= {"REC_ASSETS_SOURCE": str(made(rows, ".parquet")), "REC_ASSETS_STORAGE": str(storage)}
    from rec_assets.definitions import defs  # reads the two variables when it is imported

    selection = [dg.AssetKey(name) for name in ("raw_playlists", *NEEDED, *TRAINED)]
    with dg.DagsterInstance.ephemeral() as instance:
        defs.resolve_job_def("training_job").execute_in_process(
            run_config={"epochs": 1, "sg": 0}, asset_selection=selection, instance=instance, raise_on_error=True
        )


def load(storage: Path, settings: dict[str, str] | None = None):  # noqa: ANN201 - types of the measured process
    """A recommender fitted on the stored models, the embeddings, and the validation and test playlists as one."""
    import duckdb

    from rec_assets.core.base.flat_sequences import FlatSequences
    from rec_assets.core.base.seal import read_json
    from rec_assets.core.ranker.learned import from_document
    from rec_assets.core.recommender.fitting import asks_ranker, fit_recommender
    from rec_assets.core.recommender.settings import RecommenderSettings
    from rec_assets.core.strategies.tracks import artist_numbers
    from rec_assets.core.vectors.embeddings import open_embeddings

    with duckdb.connect(config={"memory_limit": "400MB"}) as connection:
        files = {name: connection.read_parquet(str(storage / f"{name}.parquet")) for name in NEEDED}
        training = FlatSequences.from_relation(files["train_sequences"])
        held_out = FlatSequences.from_relation(files["validation_sequences"].union(files["test_sequences"]))
        artists = artist_numbers(files["track_catalog"])
    embeddings = open_embeddings(storage / "track_embeddings.safetensors")
    document = read_json(storage / "track_ranker.json")
    document.pop("lineage")
    asked = RecommenderSettings(**(settings or {}))
    ranker = from_document(document) if asks_ranker(asked) else None
    recommender = fit_recommender(training, artists, embeddings, ranker, asked)
    return recommender, embeddings, held_out


def answer_one(storage: Path, name: str, limit: int) -> dict[str, float | int | str]:
    """Fits the strategy and answers the first ``limit`` held-out playlists."""
    from rec_assets.core.evaluation.comparison import rank_held_out
    from rec_assets.core.evaluation.metrics import hit_rate

    start, cpu_start = time.perf_counter(), time.process_time()
    recommender, _, held_out = load(storage, {"strategy": name, "fitted": "chosen"})
    asked = held_out[:limit]
    fitted = time.perf_counter()
    answers = rank_held_out(recommender, asked)
    answered = time.perf_counter()
    return {
        "strategy": name,
        "playlists": len(asked),
        "fit_seconds": round(fitted - start, 2),
        "answer_seconds": round(answered - fitted, 2),
        "ms_per_query": round(1_000 * (answered - fitted) / len(asked), 3),
        "cpu_seconds": round(time.process_time() - cpu_start, 2),
        "peak_mb": peak_megabytes(),
        "hit_rate": round(hit_rate(answers.rank, k=K), 4),
    }


def answer(rows: int, names: list[str], limit: int) -> None:
    """A fresh process per strategy; prints its JSON line, and a table at the end."""
    prepared(rows)
    results = []
    for name in names:
        words = ["one", "--rows", str(rows), "--strategies", name, "--limit", str(limit)]
        run = subprocess.run(
            [sys.executable, "benchmarks/strategies.py", *words], cwd=ROOT, check=True, capture_output=True, text=True
        )
        results.append(json.loads(run.stdout.splitlines()[-1]))
        print(json.dumps(results[-1]), flush=True)
    print(f"{rows:,} synthetic rows, k={K}; {describe_machine()}; {datetime.now(UTC).date()}")
    print("| strategy | fit s | answer s | CPU s | ms per query | peak MB | hit rate |\n|---|---|---|---|---|---|---|")
    for r in results:
        print(
            f"| `{r['strategy']}` | {r['fit_seconds']:.1f} | {r['answer_seconds']:.1f} | {r['cpu_seconds']:.1f} "
            f"| {r['ms_per_query']:.2f} | {r['peak_mb']:,.0f} | {r['hit_rate']:.3f} |"
        )


def main() -> None:
    """Reads the command line, prints what was measured."""
    parser = argparse.ArgumentParser(description="Time and memory of each strategy.")
    parser.add_argument("what", choices=["prepare", "answer", "one"])
    parser.add_argument("--rows", type=int, default=1_000_000, help="synthetic rows")
    parser.add_argument("--strategies", nargs="+", choices=STRATEGIES, default=list(STRATEGIES))
    parser.add_argument("--limit", type=int, default=10**9, help="at most so many held-out playlists")
    arguments = parser.parse_args()
    if arguments.what == "prepare":
        prepare(arguments.rows)
    elif arguments.what == "one":
        storage = CACHE / f"strategies_{arguments.rows}"
        print(json.dumps(answer_one(storage, arguments.strategies[0], arguments.limit)))
    else:
        answer(arguments.rows, arguments.strategies, arguments.limit)


if __name__ == "__main__":
    main()
