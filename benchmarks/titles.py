"""What the title of a playlist is worth: hit rates on validation playlists, asked with it and without.

    python benchmarks/titles.py data/storage

Asks the recommender of a store for the held-out last track of each validation playlist: by the title alone, after the
track before it, and after all tracks before it, each time with the title and without. Without tracks and title it
answers with what is popular. Prints a table; the last column is the paired difference that the title makes.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.evaluation.bootstrap import hit_rate_interval, paired_difference_interval
from rec_assets.core.evaluation.metrics import hits
from rec_assets.core.recommender.recommender import Recommender, open_recommender

FEWEST = 200  # playlists; the interval of a hit rate of 0.3 is 0.13 wide then


def ranks_of(recommender: Recommender, histories: FlatSequences, targets: np.ndarray) -> np.ndarray:
    """(n,) places of the ``targets`` (n,) among the k answers to ``histories`` of rows; 0 = not found."""
    parts = recommender.answers(histories, depth=recommender.settings.k)
    return np.concatenate([found.rank_of(targets[part]) for part, found in parts])


def measure(recommender: Recommender, held_out: FlatSequences) -> None:
    """Prints the table."""
    k, rows = recommender.settings.k, recommender.tracks.rows(held_out)
    few = min(10, k)
    targets, histories = rows.from_the_end(0), rows.histories()
    is_last = np.zeros(len(histories.values), bool)
    is_last[histories.offsets[1:] - 1] = True
    kept = {"no track": np.zeros(len(is_last), bool), "one track": is_last, "all tracks": ~np.zeros(len(is_last), bool)}
    print(f"| asked by | without title @{k} | with title @{k} | without @{few} | with @{few} | the title adds @{k} |")
    print(f"|{'---|' * 6}")
    for name, own in kept.items():
        asked = histories.where(own)
        without, titled = (ranks_of(recommender, one, targets) for one in (replace(asked, titles=None), asked))
        cells = [rate_text(ranks, at) for at in (k, few) for ranks in (without, titled)]
        added = paired_difference_interval(*(hits(ranks, k=k).astype(float) for ranks in (titled, without)))
        gain = hits(titled, k=k).mean() - hits(without, k=k).mean()
        print(f"| {name} | {' | '.join(cells)} | {gain:+.3f} ({added.low:+.3f} to {added.high:+.3f}) |")


def rate_text(ranks: np.ndarray, k: int) -> str:
    """The hit rate with its interval."""
    interval = hit_rate_interval(ranks, k=k)
    return f"{hits(ranks, k=k).mean():.3f} ({interval.low:.3f}–{interval.high:.3f})"


def main() -> None:
    """Reads the command line, prints what was measured."""
    parser = argparse.ArgumentParser(description="What the title of a playlist is worth.")
    parser.add_argument("store", type=Path, help="a store after training_job")
    store = parser.parse_args().store
    recommender, _, _ = open_recommender(store / "recommender.safetensors")
    with duckdb.connect() as connection:
        path = str(store / "validation_sequences.parquet")
        held_out = FlatSequences.from_relation(connection.read_parquet(path))
    known = int(recommender.has_known_title(held_out).sum())
    print(f"{recommender.chosen.label}; {len(held_out):,} validation playlists, {known:,} with a title word it knows")
    if known < FEWEST:
        print(f"These are too few to say anything: {FEWEST} are needed.")
        return
    measure(recommender, held_out)


if __name__ == "__main__":
    main()
