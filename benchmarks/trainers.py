"""The compiled trainer against gensim: speed, and hit rates on the validation playlists.

    python benchmarks/trainers.py speed data/storage --runs 3 --epochs 5
    python benchmarks/trainers.py quality data/storage --seeds 5
    python benchmarks/trainers.py curve data/storage

Each takes the folder of a store whose splits are made, prints a table, and runs both sides in turn, in one process.
``speed`` trains on one thread each and counts processor seconds. ``quality`` asks the vectors as the tutorial does
(last/cosine) and as this project does (history/output). ``curve`` shows hit rate@100 after so many seconds of training.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import duckdb
import numpy as np
from compare import describe_machine

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.evaluation.metrics import hit_rate
from rec_assets.core.evaluation.ranking import answer_held_out
from rec_assets.core.strategies.track_vectors import TUTORIAL_QUERY, TrackVectors, VectorQuery
from rec_assets.core.strategies.tracks import Tracks, artist_numbers
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.core.vectors.word2vec import EmbeddingsSettings, Trainer, train_word2vec

QUESTIONS = {"last/cosine": TUTORIAL_QUERY, "history/output": VectorQuery()}
TUTORIAL = {"epochs": 30, "alpha": 0.025}


@dataclass(frozen=True)
class Data:
    """Training and validation playlists of a store, and its tracks."""

    training: FlatSequences
    validation: FlatSequences
    tracks: Tracks

    @classmethod
    def of_store(cls, store: Path) -> "Data":
        """Read from its parquet files."""
        connection = duckdb.connect()
        training, validation = (
            FlatSequences.from_relation(connection.read_parquet(str(store / f"{part}_sequences.parquet")))
            for part in ("train", "validation")
        )
        artists = artist_numbers(connection.read_parquet(str(store / "track_catalog.parquet")))
        return cls(training, validation, Tracks.count_in(training, artists))

    def train(self, **settings: object) -> tuple[TrackEmbeddings, float, float]:
        """Vectors, processor seconds, and wall seconds."""
        cpu, wall = time.process_time(), time.perf_counter()
        embeddings = train_word2vec(self.training, EmbeddingsSettings(**settings)).embeddings
        return embeddings, time.process_time() - cpu, time.perf_counter() - wall

    def hit_rates(self, embeddings: TrackEmbeddings, question: VectorQuery) -> tuple[float, float]:
        """At 100 and at 10."""
        strategy = TrackVectors.fit(self.tracks, embeddings, question)
        ranks = answer_held_out(strategy, self.tracks, self.validation, depth=100, repeats=True).ranks
        return hit_rate(ranks, k=100), hit_rate(ranks, k=10)


def speed(data: Data, epochs: int, runs: int) -> Iterator[str]:
    """Words per processor second on one thread, both trainers in turn; and two threads of the compiled one."""
    words = len(data.training.values) * epochs
    data.train(trainer=Trainer.compiled, epochs=1, workers=1)  # compiles, or reads what was compiled
    for sg in (1, 0):
        seconds: dict[str, list[float]] = {trainer.value: [] for trainer in Trainer}
        walls: dict[int, list[float]] = {1: [], 2: []}
        for _, trainer in product(range(runs), Trainer):
            _, cpu, wall = data.train(trainer=trainer, epochs=epochs, sg=sg, workers=1)
            seconds[trainer.value].append(cpu)
            if trainer is Trainer.compiled:
                walls[1].append(wall)
                walls[2].append(data.train(trainer=trainer, epochs=epochs, sg=sg, workers=2)[2])
        name = "skip-gram" if sg else "CBOW"
        for trainer, cpus in seconds.items():
            rates = sorted(words / cpu for cpu in cpus)
            spread = f"({rates[0]:,.0f} to {rates[-1]:,.0f})"
            yield f"{name} {trainer}: {np.median(rates):,.0f} words per processor second {spread}"
        ratio = np.median(seconds["gensim"]) / np.median(seconds["compiled"])
        yield f"{name}: gensim / compiled {ratio:.1f}; one thread / two {np.median(walls[1]) / np.median(walls[2]):.2f}"


def quality(data: Data, seeds: int) -> Iterator[str]:
    """Mean hit rates over seeds with their standard errors, both trainers with the tutorial's epochs and rate."""
    for sg, trainer in product((1, 0), Trainer):
        trained = [data.train(trainer=trainer, sg=sg, seed=seed, **TUTORIAL)[0] for seed in range(1, seeds + 1)]
        for label, question in QUESTIONS.items():
            rates = np.array([data.hit_rates(embeddings, question) for embeddings in trained])
            errors = rates.std(axis=0, ddof=1) / np.sqrt(seeds)
            shown = [
                f"@{k} {rate:.4f} ± {error:.4f}"
                for k, rate, error in zip((100, 10), rates.mean(0), errors, strict=True)
            ]
            yield f"{'skip-gram' if sg else 'CBOW':9} {trainer.value:8} {label:14} {'  '.join(shown)}"


def curve(data: Data) -> Iterator[str]:
    """Hit rate@100 by history/output against wall seconds of training, for more and more epochs."""
    data.train(trainer=Trainer.compiled, epochs=1)
    for label, settings in {
        "gensim, tutorial's rate": {"trainer": Trainer.gensim, "alpha": 0.025},
        "compiled, tutorial's rate": {"trainer": Trainer.compiled, "alpha": 0.025},
        "compiled, default rate": {"trainer": Trainer.compiled},
    }.items():
        for epochs in (2, 5, 10, 15, 30):
            embeddings, cpu, wall = data.train(epochs=epochs, **settings)
            rate, _ = data.hit_rates(embeddings, VectorQuery())
            yield f"{label:26} {epochs:3} epochs {wall:7.1f} s wall {cpu:7.1f} s processor  hit rate@100 {rate:.4f}"


def main() -> None:
    """Reads the command line, prints a table."""
    parser = argparse.ArgumentParser(description="The compiled trainer against gensim.")
    parser.add_argument("what", choices=("speed", "quality", "curve"))
    parser.add_argument("store", type=Path)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    data = Data.of_store(arguments.store)
    print(describe_machine())
    lines = {
        "speed": lambda: speed(data, arguments.epochs, arguments.runs),
        "quality": lambda: quality(data, arguments.seeds),
        "curve": lambda: curve(data),
    }
    for line in lines[arguments.what]():
        print(line, flush=True)


if __name__ == "__main__":
    main()
