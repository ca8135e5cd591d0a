"""Whether the ranker is ever worse than its best source: synthetic worlds, each small and odd in its own way.

    python benchmarks/worlds.py
    python benchmarks/worlds.py --worlds few_playlists no_order --seeds 1 2 3 4 5

Each world is fitted with the defaults, in process. With several seeds of the ranker its hits are their mean for each
playlist. The interval is that of the check ``no_strategy_is_better``: of the best other strategy less the
ranker, on the same playlists, and for all others together. Prints a table, and in how many worlds it lies above 0;
where the ranker is as good as the best other, that is chance in one of forty.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from compare import describe_machine

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation
from rec_assets.core.evaluation.comparison import try_contender
from rec_assets.core.evaluation.rivals import Rival, best_rivals, found_at
from rec_assets.core.playlists.catalog import build_track_catalog
from rec_assets.core.playlists.sequences import build_sequences
from rec_assets.core.playlists.splits import split_sequences
from rec_assets.core.ranker.training import TrackRankerSettings, train_track_ranker
from rec_assets.core.recommender.fitting import fit_recommender
from rec_assets.core.recommender.settings import RecommenderSettings
from rec_assets.core.strategies.tracks import artist_numbers
from rec_assets.core.synthetic.plan import Habits, make_plan
from rec_assets.core.synthetic.tracks import draw_tracks
from rec_assets.core.vectors.word2vec import EmbeddingsSettings, lowered_min_count, train_word2vec

RANKER, TOP, HABITS = "ranker", 10, Habits()


@dataclass(frozen=True)
class World:
    """What is odd about a world.

    Attributes:
        change: of the rows (``playlist``, ``artist``, ``track``: numbers, in order), with a random generator.
        training: share of the playlists that are trained on; all others are held out.
    """

    change: Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame] = lambda rows, draw: rows
    habits: Habits = HABITS
    rows: int = 100_000
    k: int = 100
    training: float = 0.4
    scenes: int | None = None


def without_artists(rows: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    return rows.assign(track=rows.artist * 1_000 + rows.track, artist=pd.NA)


def without_repeats(rows: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    return rows.drop_duplicates()


def with_repeats(rows: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Two rows in five are one of the five before them in the playlist."""
    back = draw.integers(1, 6, len(rows))
    repeated = (draw.random(len(rows)) < 0.4) & (rows.groupby("playlist").cumcount() >= back)
    source = np.arange(len(rows)) - np.where(repeated, back, 0)
    return rows.iloc[source].reset_index(drop=True)


def without_order(rows: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    return rows.iloc[np.lexsort((draw.random(len(rows)), rows.playlist))]


def folded(rows: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """A catalog of 256 tracks: eight artists of eight in each of four scenes."""
    return rows.assign(artist=rows.artist // 80 * 8 + rows.artist % 8, track=rows.track % 8)


def in_pieces(rows: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    """Playlists of three or four tracks."""
    place = rows.groupby("playlist").cumcount()
    return rows.assign(playlist=rows.playlist * 10_000 + place // (3 + rows.playlist % 2))


def of_one_artist(rows: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
    return rows.assign(artist=rows.groupby("playlist").artist.transform("first"))


def noisy(share: float) -> Callable[[pd.DataFrame, np.random.Generator], pd.DataFrame]:
    """So many rows are drawn anew from all rows: of these nothing says more than how frequent a track is."""

    def change(rows: pd.DataFrame, draw: np.random.Generator) -> pd.DataFrame:
        source = np.where(
            draw.random(len(rows)) < share, draw.integers(len(rows), size=len(rows)), np.arange(len(rows))
        )
        return rows.iloc[source].assign(playlist=rows.playlist.to_numpy())

    return change


WORLDS = {
    "few_playlists": World(rows=45_000, training=0.06, k=50),
    "no_artists": World(without_artists),
    "no_repeats": World(without_repeats),
    "many_repeats": World(with_repeats),
    "strong_order": World(habits=Habits(scene_change=0.04, artist_change=0.04, tail=0.01)),
    "no_order": World(without_order),
    "tiny_catalog": World(folded, scenes=4, k=20),
    "long_tail": World(habits=Habits(tail=0.6)),
    "short_playlists": World(in_pieces, rows=40_000),
    "one_artist_each": World(of_one_artist),
    "mostly_noise": World(noisy(0.8)),
    "few_and_noisy": World(noisy(0.6), training=0.1),
}


def make_rows(world: World, seed: int) -> pd.DataFrame:
    """Rows of ``playlist``, ``artist``, ``track``, by the generator, as the ``world`` changes them."""
    plan = replace(make_plan(world.rows, seed), habits=world.habits)
    plan = replace(plan, scenes=world.scenes or plan.scenes)
    row, lengths = np.arange(world.rows), np.diff(plan.starts)
    playlist = np.repeat(np.arange(len(lengths)), lengths)
    scene, artist, track = draw_tracks(plan, row, playlist)
    rows = pd.DataFrame({"playlist": playlist, "artist": scene * 80 + artist, "track": track})
    return world.change(rows, np.random.default_rng(seed))


def split(rows: pd.DataFrame, share: float, connection: duckdb.DuckDBPyConnection) -> tuple[Relation, ...]:
    """Training and held-out sequences, and the catalog."""
    table = connection.sql(
        """SELECT row_number() OVER () AS row_id, NULL::VARCHAR AS user_id, playlist::VARCHAR AS playlist,
            'artist ' || artist AS artist, 'track ' || track AS track FROM rows"""
    ).to_arrow_table()
    raw = connection.from_arrow(table)
    with tempfile.TemporaryDirectory() as folder:
        catalog = connection.from_arrow(build_track_catalog(connection, raw, Path(folder)).to_arrow_table())
        whole = build_sequences(connection, raw, catalog, Path(folder)).to_arrow_table()
    sequences = connection.from_arrow(whole)
    parts = split_sequences(sequences, shares={"train": share, "held_out": 1 - share}, seed=42)
    return (*(connection.from_arrow(parts[name].to_arrow_table()) for name in ("train", "held_out")), catalog)


@dataclass
class Measured:
    """One world.

    Attributes:
        sizes: training playlists, held-out ones, tracks.
        rates: (seeds, 2) hit rates of the ranker at k and at 10.
        rivals: the best others at these.
        recall: share of the targets among the ranker's candidates.
    """

    sizes: str
    rates: np.ndarray
    rivals: list[Rival]
    recall: float
    training_seconds: float
    seconds: float

    @property
    def is_worse(self) -> bool:
        """Whether another strategy finds more, beyond chance."""
        return any(rival.is_better for rival in self.rivals)


def measure(world: World, seeds: list[int], data_seed: int) -> Measured:
    """Fits all strategies and, for each of the ``seeds``, a ranker; asks them for the playlists that are held out."""
    start, connection = time.perf_counter(), duckdb.connect()
    train, held_out, catalog = split(make_rows(world, data_seed), world.training, connection)
    training, asked = FlatSequences.from_relation(train), FlatSequences.from_relation(held_out)
    artists, cuts = artist_numbers(catalog), [world.k, TOP]
    embeddings = train_word2vec(training, lowered_min_count(EmbeddingsSettings(), training)).embeddings
    ranks: dict[str, np.ndarray] = {}
    trials, recall, seconds = [], [], []
    for seed in seeds:
        before = time.perf_counter()
        # The first seed is the default.
        own = TrackRankerSettings(ranker_seed=seed, ranker_split_seed=6 + seed)
        ranker = train_track_ranker(train, artists, own, warn=lambda text: print(text, file=sys.stderr))
        seconds.append(time.perf_counter() - before)
        recommender = fit_recommender(training, artists, embeddings, ranker, RecommenderSettings(k=world.k))
        # The others are the same whatever the seed.
        for contender in [one for one in recommender.contenders if one.label not in ranks]:
            figures, answers = try_contender(recommender, contender, asked)
            ranks[contender.label] = answers.ranks
            recall += [figures["candidate_recall"]] if contender.label == RANKER else []
        trials.append(found_at({RANKER: ranks.pop(RANKER)}, cuts)[RANKER])
    hits = {k: np.array([trial[k] for trial in trials]) for k in cuts}
    found = {**found_at(ranks, cuts), RANKER: {k: own.mean(axis=0) for k, own in hits.items()}}
    return Measured(
        f"{len(training):,} / {len(asked):,} / {len(artists):,}",
        np.column_stack([own.mean(axis=1) for own in hits.values()]),
        best_rivals(found, RANKER),
        float(np.mean(recall)),
        float(np.mean(seconds)),
        time.perf_counter() - start,
    )


def line(name: str, own: Measured) -> str:
    """The row of the table."""
    cells = [name, own.sizes]
    for rival, rates in zip(own.rivals, own.rates.T, strict=True):
        spread = f" ({rates.min():.3f}–{rates.max():.3f})" if len(rates) > 1 else ""
        low, high = rival.interval.low, rival.interval.high
        cells += [
            f"@{rival.k} {rates.mean():.3f}{spread}",
            f"{rates.mean() + rival.difference:.3f} {rival.strategy}",
            f"{rival.difference:+.3f} ({low:+.3f} to {high:+.3f}){' worse' if rival.is_better else ''}",
        ]
    return f"| {' | '.join([*cells, f'{own.recall:.3f}', f'{own.training_seconds:.1f}', f'{own.seconds:.0f}'])} |"


def main() -> None:
    """Reads the command line, prints the table."""
    parser = argparse.ArgumentParser(description="The ranker against its sources in synthetic worlds.")
    parser.add_argument("--worlds", nargs="+", choices=WORLDS, default=list(WORLDS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[1], help="of the ranker; 1 = the default")
    parser.add_argument("--data-seed", type=int, default=7, help="of the playlists")
    arguments = parser.parse_args()
    names = ["world", "training / held out / tracks"]
    names += [f"{name} at {at}" for at in ("k", TOP) for name in ("ranker", "best other", "other less ranker")]
    names += ["candidate recall", "ranker s", "all s"]
    print(f"Seeds of the ranker {arguments.seeds}; {describe_machine()}; {datetime.now(UTC).date()}\n")
    print(f"| {' | '.join(names)} |\n|{'---|' * len(names)}")
    worse = []
    for name in arguments.worlds:
        own = measure(WORLDS[name], arguments.seeds, arguments.data_seed)
        worse += [name] * own.is_worse
        print(line(name, own), flush=True)
    print(f"\nIn {len(worse)} of {len(arguments.worlds)} worlds another strategy finds more, beyond chance: {worse}")


if __name__ == "__main__":
    main()
