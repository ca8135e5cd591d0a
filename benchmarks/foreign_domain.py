"""Whether the ranker holds where it never learned: each kind of music in turn is foreign to it.

    python benchmarks/foreign_domain.py playlists.csv.gz

The artists are cut into five groups by k-means over the mean vectors of their tracks; a playlist belongs to the
group of most of its tracks. For each group, the ranker learns from held-aside playlists of the other groups only,
and is then asked for validation playlists of this one, beside the ranker that has seen all groups and the best
single strategies. Prints a table; bootstrap intervals are those of the paired difference on the same playlists.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
from default_splits import fit, read_splits
from scipy.cluster.vq import kmeans2

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.evaluation.bootstrap import paired_difference_interval
from rec_assets.core.evaluation.metrics import hits
from rec_assets.core.evaluation.ranking import answer_held_out
from rec_assets.core.playlists.splits import split_sequences
from rec_assets.core.ranker.example_pool import train_ranker
from rec_assets.core.ranker.learned import Ranker
from rec_assets.core.ranker.ranked import RankedCandidates
from rec_assets.core.ranker.settings import RankerSettings
from rec_assets.core.ranker.sources import Sources
from rec_assets.core.vectors.embeddings import TrackEmbeddings

GROUPS, K = 5, 100
SINGLE = ("playlist_knn", "track_vectors", "item_knn")


def read_parts(source: Path, scratch: Path) -> tuple[dict[str, FlatSequences], np.ndarray]:
    """Train, validation, base and ranker playlists, by the defaults; and the artist's number of each track."""
    train, validation, artists = read_splits(source, scratch)
    parts = {"train": train, "validation": validation}
    parts |= split_sequences(train, shares={"base": 0.8, "ranker": 0.2}, seed=8)
    return {name: FlatSequences.from_relation(part) for name, part in parts.items()}, artists


def group_artists(embeddings: TrackEmbeddings, artists: np.ndarray) -> np.ndarray:
    """(artists,) group of each artist by its tracks' mean vector; -1 for those without a vector."""
    artist = artists[embeddings.track_index]
    known = artist != UNKNOWN_ARTIST
    sums = np.zeros((artists.max() + 1, embeddings.input_vectors.shape[1]))
    np.add.at(sums, artist[known], embeddings.unit_input_vectors()[known])
    norms = np.linalg.norm(sums, axis=1)
    groups = np.full(len(sums), -1)
    groups[norms > 0] = kmeans2(sums[norms > 0] / norms[norms > 0, None], GROUPS, seed=1, minit="++")[1]
    return groups


def group_playlists(sequences: FlatSequences, track_groups: np.ndarray) -> np.ndarray:
    """(n,) group of most of the tracks of each playlist; -1 if none has a group."""
    counts = np.zeros((len(sequences), GROUPS), int)
    groups = track_groups[sequences.values]
    owner = sequences.owners()
    np.add.at(counts, (owner[groups >= 0], groups[groups >= 0]), 1)
    return np.where(counts.any(axis=1), counts.argmax(axis=1), -1)


def pick(sequences: FlatSequences, wanted: np.ndarray) -> FlatSequences:
    """The playlists at which ``wanted`` (n,) is true."""
    return sequences.cut_at(np.flatnonzero(wanted), sequences.lengths()[wanted])


def hits_of(sources: Sources, ranker: Ranker, held_out: FlatSequences) -> np.ndarray:
    """(n,) whether the ranker finds the last track of each playlist."""
    strategy = RankedCandidates.join(sources, ranker)
    return hits(answer_held_out(strategy, sources.tracks, held_out, depth=K, repeats=True).ranks, k=K)


def main() -> None:
    """Reads the command line, prints the table."""
    parser = argparse.ArgumentParser(description="The ranker on kinds of music that it never learned from.")
    parser.add_argument("source", type=Path, help="playlists in any format that raw_playlists reads")
    with tempfile.TemporaryDirectory() as scratch:
        parts, artists = read_parts(parser.parse_args().source, Path(scratch))
        full, embeddings = fit(parts["train"], artists)
        base, _ = fit(parts["base"], artists)
    track_groups = np.where(artists == UNKNOWN_ARTIST, -1, group_artists(embeddings, artists)[artists])
    kept_aside = group_playlists(parts["ranker"], track_groups)
    asked = group_playlists(parts["validation"], track_groups)
    taught_all = train_ranker(base, base.tracks.rows(parts["ranker"]), RankerSettings())
    names = ["group", "playlists", "learned elsewhere", "learned everywhere", *SINGLE, "over the best single one"]
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
    for group in range(GROUPS):
        held_out = pick(parts["validation"], asked == group)
        elsewhere = pick(parts["ranker"], kept_aside != group)
        foreign = hits_of(full, train_ranker(base, base.tracks.rows(elsewhere), RankerSettings()), held_out)
        everywhere = hits_of(full, taught_all, held_out)
        single = {
            name: hits(answer_held_out(full.strategies[name], full.tracks, held_out, depth=K, repeats=False).ranks, k=K)
            for name in SINGLE
        }
        best = max(single.values(), key=np.mean)
        interval = paired_difference_interval(foreign, best)
        cells = [foreign.mean(), everywhere.mean(), *(own.mean() for own in single.values())]
        print(
            f"| {group + 1} | {len(held_out):,} of {len(asked):,} | "
            + " | ".join(f"{cell:.4f}" for cell in cells)
            + f" | {foreign.mean() - best.mean():+.4f} ({interval.low:+.4f} to {interval.high:+.4f}) |"
        )


if __name__ == "__main__":
    main()
