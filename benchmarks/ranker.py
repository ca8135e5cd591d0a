"""What each group of the ranker's features is worth, and how many targets are among its candidates.

    python benchmarks/ranker.py playlists.csv.gz --seeds 1 2 3 4 5

Splits the playlists by the defaults, gathers the examples of all parts once, and trains the trees again and again:
with all features, with each group left out (two seeds are enough there), and with the examples of the first part alone.
Prints hit rates on the validation playlists, as the mean over the seeds and their range, and the candidate recall of
each source.
"""

import argparse
import os
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from compare import describe_machine
from default_splits import fit, read_splits

os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # read when LightGBM is loaded
import lightgbm

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.ranker.closeness import BESIDE_TRACKS, IN_NEAREST, IN_PLAYLISTS
from rec_assets.core.ranker.cross_fitting import gather_examples
from rec_assets.core.ranker.examples import BATCH, Labelled
from rec_assets.core.ranker.learned import parameters_of
from rec_assets.core.ranker.settings import RankerSettings
from rec_assets.core.ranker.sources import FEATURES, PROPOSED, Sources, candidate_features
from rec_assets.core.vectors.word2vec import EmbeddingsSettings, train_word2vec

GROUPS = {
    "sources: scores and places": [f"{name}_{what}" for name in PROPOSED for what in ("score", "place")],
    "products with tracks of the history": [name for name in BESIDE_TRACKS if name.startswith("product")],
    "nearness to tracks of the history": [name for name in BESIDE_TRACKS if name.startswith("near")],
    "the nearest playlists": list(IN_NEAREST),
    "all playlists with the candidate": list(IN_PLAYLISTS),
    "artists": ["artist_share", "is_last_artist", "artist_is_known", "artists_per_track", "same_artist_share"],
    "repeats": ["times_in_history", "steps_since", "distinct_share"],
    "popularity": ["log_count", "last_log_count"],
}


def candidates_of(sources: Sources, validation: FlatSequences) -> tuple[Labelled, np.ndarray]:
    """All candidates of the ``validation`` playlists, and (s,) the candidate recall of each source."""
    rows = sources.tracks.rows(validation)
    histories, targets = rows.histories(), rows.from_the_end(0)
    parts, proposed = [], np.zeros(len(PROPOSED))
    for start in range(0, len(rows), BATCH):
        asked = histories[start : start + BATCH]
        found = sources.propose(asked)
        is_target = found.rows == targets[start : start + BATCH][found.history]
        proposed += (found.places[is_target] <= np.array(list(PROPOSED.values()))).sum(axis=0)
        sizes = np.bincount(found.history, minlength=len(asked))
        parts.append(Labelled(candidate_features(sources, asked, found), is_target, sizes))
    return Labelled.joined(parts), proposed / len(rows)


def hit_rates(learned: Labelled, asked: Labelled, columns: list[int], settings: RankerSettings) -> list[float]:
    """Hit rates @100 and @10, and MRR, of trees that see these ``columns``."""
    parameters = parameters_of(learned, settings)
    group = learned.sizes if parameters["objective"] == "lambdarank" else None
    data = lightgbm.Dataset(learned.features[:, columns], learned.is_target, group=group, params=parameters)
    trees = lightgbm.train(parameters, data, num_boost_round=settings.ranker_trees)
    scores = np.asarray(trees.predict(asked.features[:, columns], raw_score=True))
    owner = np.repeat(np.arange(len(asked.sizes)), asked.sizes)
    target = np.full(len(asked.sizes), np.inf)
    target[owner[asked.is_target]] = scores[asked.is_target]
    ranks = 1 + np.bincount(owner, weights=scores > target[owner], minlength=len(target))
    ranks[np.isinf(target)] = np.inf
    return [np.mean(ranks <= 100), np.mean(ranks <= 10), np.mean(np.where(ranks <= 100, 1 / ranks, 0))]


def line(name: str, rates: np.ndarray) -> str:
    """A row of the table: means, and the range of the first."""
    at_100, at_10, mrr = rates.mean(axis=0)
    return f"| {name} | {at_100:.4f} ({rates[:, 0].min():.4f}–{rates[:, 0].max():.4f}) | {at_10:.4f} | {mrr:.4f} |"


def main() -> None:
    """Reads the command line, prints the tables."""
    parser = argparse.ArgumentParser(description="What the ranker's features and candidates are worth.")
    parser.add_argument("source", type=Path, help="playlists in any format that raw_playlists reads")
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3, 4, 5], help="of the trees")
    arguments = parser.parse_args()
    settings, start = RankerSettings(), time.process_time()
    with tempfile.TemporaryDirectory() as scratch:
        rows, held_out, artists = read_splits(arguments.source, Path(scratch))
    train, validation = FlatSequences.from_relation(rows), FlatSequences.from_relation(held_out)
    pool = gather_examples(rows, artists, settings, lambda part: train_word2vec(part, EmbeddingsSettings()).embeddings)
    parts = [Labelled.joined(part) for part in pool.parts]
    first, learned = parts[0], Labelled.joined(list(parts))
    gathered = time.process_time() - start
    asked, recall = candidates_of(fit(train, artists)[0], validation)
    every = list(range(len(FEATURES)))
    tried = {"all features": (learned, every), "all features, the first part alone": (first, every)}
    for name, own in GROUPS.items():
        tried[f"without {name}"] = (learned, [place for place in every if FEATURES[place] not in own])
    print(f"{arguments.source.name}: {len(train):,} training and {len(validation):,} validation playlists, ")
    print(
        f"{len(learned.sizes):,} examples of {len(parts)} parts in {gathered:.0f} processor seconds, seeds of the ",
        end="",
    )
    print(f"trees {arguments.seeds}; {describe_machine()}; {datetime.now(UTC).date()}\n")
    print("| trees | hit rate@100 | @10 | MRR |\n|---|---|---|---|")
    for name, (examples, columns) in tried.items():
        own = [
            hit_rates(examples, asked, columns, settings.model_copy(update={"ranker_seed": seed}))
            for seed in (arguments.seeds if len(columns) == len(FEATURES) else arguments.seeds[:2])
        ]
        print(line(name, np.array(own)), flush=True)
    print("\n| source | proposed | candidate recall |\n|---|---|---|")
    for (name, number), share in zip(PROPOSED.items(), recall, strict=True):
        print(f"| {name} | {number} | {share:.3f} |")
    print(f"| all, and the history | {asked.sizes.mean():.0f} | {asked.is_target.sum() / len(validation):.3f} |")


if __name__ == "__main__":
    main()
