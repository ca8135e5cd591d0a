"""The tutorial's way in plain Python: the opponent of this project's assets.

One in-memory DuckDB query makes a DataFrame of string lists, which is shuffled, cut and given to gensim; the
hit rate asks ``most_similar`` once per playlist. Differences from the tutorial as published, which does not
run on pandas 3 and duckdb 2: the cuts are positional slices (``np.split`` of a DataFrame gives arrays), and
the lists are converted to lists of ``str`` (arrays make gensim wait for ever). As published, the file is copied
into a table with two ids added, five columns are counted one by one, and the query makes four lists per playlist;
``--lean`` counts in one query and makes the one list that is needed.

    python benchmarks/tutorial.py cleaned.parquet [--prepare-only] [--lean] [--queries 2000]

prints one JSON line. Seconds are wall time without start-up and imports. With ``--queries`` only so many playlists of
each held-out part are asked, and ``scaled_evaluate`` says how long all would have taken.
"""

import argparse
import json
import random
import time
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import pandas as pd
from gensim.models import KeyedVectors, Word2Vec
from measure import status_megabytes

TOP = 100
# Both ways read `playlists`: as published a table with its ids added, else the file itself.
PUBLISHED_COUNTS = ("row_id", "user_id", "track_id", "playlist_id", "artist")
LEAN_COUNTS = """
    SELECT count(*) AS rows, count(DISTINCT user_id) AS users,
        count(DISTINCT CONCAT(artist, '|||', track)) AS tracks,
        count(DISTINCT CONCAT(user_id, '-', playlist)) AS playlists, count(DISTINCT artist) AS artists
    FROM playlists"""
LEAN_QUERY = """
    SELECT CONCAT(user_id, '-', playlist) AS playlist_id,
        LIST(CONCAT(artist, '|||', track) ORDER BY row_id) AS track_sequence
    FROM playlists GROUP BY playlist_id HAVING len(track_sequence) > 2"""
PUBLISHED_QUERY = """
    SELECT playlist_id, LIST(artist ORDER BY row_id) AS artist_sequence,
        LIST(track_id ORDER BY row_id) AS track_sequence,
        array_pop_back(LIST(track_id ORDER BY row_id)) AS track_test_x,
        LIST(track_id ORDER BY row_id)[-1] AS track_test_y
    FROM playlists GROUP BY playlist_id HAVING len(track_sequence) > 2"""
PUBLISHED_TABLE = """
    CREATE TABLE playlists AS SELECT *, CONCAT(user_id, '-', playlist) AS playlist_id,
        CONCAT(artist, '|||', track) AS track_id FROM read_parquet({source})"""


@dataclass
class Stopwatch:
    """Wall time of named steps, in seconds, measured from one call of ``lap`` to the next."""

    seconds: dict[str, float] = field(default_factory=dict)
    last: float = field(default_factory=time.perf_counter)
    cpu_start: float = field(default_factory=time.process_time)

    def lap(self, step: str) -> None:
        """Ends ``step``, which began when the one before it ended."""
        now = time.perf_counter()
        self.seconds[step] = round(now - self.last, 3)
        self.last = now


def peak_megabytes() -> float:
    """The most resident memory this process has had, in MB of 1024 * 1024 bytes."""
    # Not ru_maxrss, in which a process begins with what the one that started it had.
    return round(status_megabytes("VmHWM"), 1)


def open_playlists(source: Path, *, lean: bool = False) -> duckdb.DuckDBPyConnection:
    """An in-memory database with the parquet file as ``playlists``: the published table, or a view."""
    connection = duckdb.connect()
    literal = "'" + str(source).replace("'", "''") + "'"
    view = "CREATE VIEW playlists AS FROM read_parquet({source})"
    connection.execute((view if lean else PUBLISHED_TABLE).format(source=literal))
    return connection


def count_rows(connection: duckdb.DuckDBPyConnection, *, lean: bool = False) -> dict[str, int]:
    """Rows, users, tracks, playlists and artists."""
    if lean:
        return connection.execute(LEAN_COUNTS).df().iloc[0].to_dict()
    found = {}
    for column in PUBLISHED_COUNTS:
        row = connection.execute(f"SELECT COUNT(DISTINCT({column})) FROM playlists").fetchone()
        found[column] = row[0] if row else 0
    return found


def read_sequences(connection: duckdb.DuckDBPyConnection, *, lean: bool = False) -> pd.DataFrame:
    """One row per playlist of more than two tracks: ``playlist_id`` and ``track_sequence`` (list of str)."""
    return connection.execute(LEAN_QUERY if lean else PUBLISHED_QUERY).df()


def split_sequences(sequences: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Training, validation and test part: 70, 20 and 10 % of the shuffled playlists."""
    shuffled = sequences.sample(frac=1, random_state=42)
    first, second = int(0.7 * len(shuffled)), int(0.9 * len(shuffled))
    return shuffled.iloc[:first], shuffled.iloc[first:second], shuffled.iloc[second:]


def train_vectors(training: pd.DataFrame) -> KeyedVectors:
    """The tutorial's Word2Vec model; gensim's default of three workers."""
    tracks = [sequence.tolist() for sequence in training["track_sequence"]]
    model = Word2Vec(tracks, min_count=3, epochs=30, vector_size=48, window=10, ns_exponent=0.75)
    return model.wv


def hit_rate(vectors: KeyedVectors, held_out: pd.DataFrame) -> float:
    """Share of playlists whose last track is among the ``TOP`` nearest to the track before it.

    As in the tutorial a query that the model does not know is replaced by a random track.
    """
    chance = random.Random(42)
    hits = 0
    for sequence in held_out["track_sequence"]:
        query = sequence[-2] if sequence[-2] in vectors else chance.choice(vectors.index_to_key)
        hits += any(track == sequence[-1] for track, _ in vectors.most_similar(query, topn=TOP))
    return hits / len(held_out)


def run(source: Path, *, prepare_only: bool, lean: bool, queries: int | None) -> dict[str, object]:
    """Runs the steps on the parquet file ``source``; returns seconds, peak memory and hit rates."""
    stopwatch = Stopwatch()
    with open_playlists(source, lean=lean) as connection:
        counts = count_rows(connection, lean=lean)
        stopwatch.lap("counts")
        sequences = read_sequences(connection, lean=lean)
    stopwatch.lap("sequences")
    training, validation, test = split_sequences(sequences)
    stopwatch.lap("split")
    result: dict[str, object] = {"counts": counts, "sequences": len(sequences)}
    if not prepare_only:
        vectors = train_vectors(training)
        stopwatch.lap("train")
        asked = {"validation": validation[:queries], "test": test[:queries]}
        result["hit_rates"] = {part: hit_rate(vectors, playlists) for part, playlists in asked.items()}
        stopwatch.lap("evaluate")
        share = sum(map(len, asked.values())) / (len(validation) + len(test))
        result["scaled_evaluate"] = round(stopwatch.seconds["evaluate"] / share, 3)
    return {
        "seconds": stopwatch.seconds,
        "total": round(sum(stopwatch.seconds.values()), 3),
        "cpu": round(time.process_time() - stopwatch.cpu_start, 3),
        "peak_mb": peak_megabytes(),
        **result,
    }


def main() -> None:
    """Reads the command line, prints one JSON line."""
    parser = argparse.ArgumentParser(description="The tutorial's steps in plain Python, timed.")
    parser.add_argument("source", type=Path, help="parquet with row_id, user_id, artist, track, playlist")
    parser.add_argument("--prepare-only", action="store_true", help="stop after the three splits")
    parser.add_argument("--lean", action="store_true", help="one query of counts, one list per playlist")
    parser.add_argument("--queries", type=int, help="playlists of each held-out part to ask; all unless given")
    arguments = parser.parse_args()
    result = run(arguments.source, prepare_only=arguments.prepare_only, lean=arguments.lean, queries=arguments.queries)
    print(json.dumps(result, default=int))


if __name__ == "__main__":
    main()
