"""The playlists of a file, read and split by the defaults, for the benchmarks that train in their own process."""

from pathlib import Path

import duckdb
import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import Relation
from rec_assets.core.playlists.catalog import build_track_catalog
from rec_assets.core.playlists.readers.files import SourceFile
from rec_assets.core.playlists.readers.settings import SourceSettings
from rec_assets.core.playlists.readers.staging import stage_playlists
from rec_assets.core.playlists.sequences import build_sequences
from rec_assets.core.playlists.splits import split_sequences
from rec_assets.core.ranker.sources import NeighbourhoodSettings, Sources
from rec_assets.core.strategies.tracks import Tracks, artist_numbers
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets.core.vectors.word2vec import EmbeddingsSettings, train_word2vec


def read_splits(source: Path, scratch: Path) -> tuple[Relation, Relation, np.ndarray]:
    """Training and validation playlists, in memory, and the artist's number of each track."""
    connection = duckdb.connect()
    rows = stage_playlists(connection, [SourceFile(source)], SourceSettings(), scratch).rows
    catalog = connection.from_arrow(build_track_catalog(connection, rows, scratch).to_arrow_table())
    sequences = connection.from_arrow(build_sequences(connection, rows, catalog, scratch).to_arrow_table())
    parts = split_sequences(sequences, shares={"train": 0.7, "validation": 0.2, "test": 0.1}, seed=42)
    train, validation = (connection.from_arrow(parts[name].to_arrow_table()) for name in ("train", "validation"))
    return train, validation, artist_numbers(catalog)


def fit(part: FlatSequences, artists: np.ndarray) -> tuple[Sources, TrackEmbeddings]:
    """All strategies over the playlists of ``part``, with the default skip-gram embeddings."""
    embeddings = train_word2vec(part, EmbeddingsSettings()).embeddings
    tracks = Tracks.count_in(part, artists)
    return Sources.fit(tracks, tracks.rows(part), embeddings, NeighbourhoodSettings()), embeddings
