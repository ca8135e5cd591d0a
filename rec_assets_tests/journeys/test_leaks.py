"""Without this held-out playlists could reach training, and every hit rate would be too high and look only better.

Held-out targets cannot be guessed when they are shuffled, and a leak made on purpose shows that one would be seen.
"""

from dataclasses import replace
from itertools import chain
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import pytest

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import read_table
from rec_assets.core.evaluation.comparison import try_contender
from rec_assets.core.playlists.titles import word_numbers, words_of
from rec_assets.core.ranker.learned import Ranker
from rec_assets.core.recommender.recommender import Recommender, fit_recommender, open_recommender
from rec_assets.core.recommender.settings import Contender, StrategyName
from rec_assets.core.strategies.answers import NO_TRACK
from rec_assets.core.strategies.tracks import artist_numbers
from rec_assets.core.vectors.word2vec import EmbeddingsSettings, train_word2vec
from rec_assets.store.formats import FORMATS
from rec_assets_tests.conftest import Project, Row, made_rows, write_unescaped_csv

K = 20
SPLITS = ("train_sequences", "validation_sequences", "test_sequences")
MADE = [
    "raw_playlists",
    "track_catalog",
    "playlist_sequences",
    *SPLITS,
    "track_embeddings",
    "track_ranker",
    "recommender",
]
VECTORS = {"epochs": 40, "alpha": 0.05, "min_count": 1, "vector_size": 16, "reproducible": True}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Playlists so few for their tracks that some tracks are in held-out playlists only."""
    folder = tmp_path_factory.mktemp("leaks")
    rows = with_titles(made_rows(playlists=1_000, tracks=1_600))
    with dg.DagsterInstance.ephemeral() as instance:
        project = Project(folder, instance, write_unescaped_csv(folder / "playlists.csv", rows))
        ranker = {**VECTORS, "ranker_trees": 20, "ranker_examples": 500}
        project.materialize(
            MADE,
            {
                "raw_playlists": {"source": str(project.source)},
                "track_embeddings": VECTORS,
                "track_ranker": ranker,
                "recommender": {"k": K},
            },
        )
        yield project


def with_titles(rows: list[Row]) -> list[Row]:
    """Each title with a word for the hundred of the playlist's first track."""
    first: dict[str, str] = {}
    for _, _, track, playlist in rows:
        first.setdefault(playlist, chr(ord("a") + int(track.split()[1]) // 100))
    return [(user, artist, track, f"{first[playlist]} {playlist}") for user, artist, track, playlist in rows]


def stored(project: Project, connection: duckdb.DuckDBPyConnection, name: str) -> duckdb.DuckDBPyRelation:
    return read_table(connection, project.store / f"{name}.parquet")


@pytest.fixture
def fitted(project: Project) -> Recommender:
    return open_recommender(project.store / "recommender.safetensors")[0]


def test_the_recommender_was_fitted_on_the_training_playlists_and_no_other(project, connection, fitted) -> None:
    train, *held_out = (FlatSequences.from_relation(stored(project, connection, name)) for name in SPLITS)

    assert np.array_equal(fitted.trained_on, np.sort(train.ids))
    assert not np.isin(np.concatenate([part.ids for part in held_out]), fitted.trained_on).any()
    assert fitted.tracks.count.sum() == len(train.values)


def test_targets_are_not_known_and_a_leak_would_show(project, connection, fitted) -> None:
    train, validation = (FlatSequences.from_relation(stored(project, connection, name)) for name in SPLITS[:2])
    shuffled = with_targets_shuffled(validation)
    ranker = FORMATS[Ranker].read(project.store / "track_ranker.json", connection)
    artists = artist_numbers(stored(project, connection, "track_catalog"))
    leaky = with_leak(fitted, ranker, joined(train, validation), artists)
    popular = next(one for one in fitted.contenders if one.strategy is StrategyName.popularity)
    popularity = rate(fitted, popular, shuffled)
    # Three standard errors of a share of so few playlists.
    room = 3 * (popularity * (1 - popularity) / len(shuffled)) ** 0.5
    for contender in fitted.contenders:
        assert rate(fitted, contender, shuffled) <= popularity + room, contender.label
        assert not recommends_the_unseen(fitted, contender, validation), contender.label
        if contender.strategy not in (StrategyName.popularity, StrategyName.artist_affinity):
            honest = rate(fitted, contender, validation)
            assert rate(leaky, contender, validation) > honest + 0.02, contender.label


def test_a_title_that_held_out_playlists_alone_have_teaches_nothing(project, connection, fitted) -> None:
    train, *held_out = (FlatSequences.from_relation(stored(project, connection, name)) for name in SPLITS)
    words, own = (set(chain(*map(words_of, part.titles))) for part in (joined(*held_out), train))
    theirs = words - own
    assert len(theirs) > 200
    assert fitted.title_words is not None
    assert "title_words" in [contender.label for contender in fitted.contenders]

    assert not fitted.title_words.knows(word_numbers(theirs)).any()
    assert fitted.title_words.knows(word_numbers("abc")).all()


def rate(recommender: Recommender, contender: Contender, sequences: FlatSequences) -> float:
    return float(try_contender(recommender, contender, sequences)[0]["hit_rate"])


def recommends_the_unseen(recommender: Recommender, contender: Contender, sequences: FlatSequences) -> bool:
    """Whether a track is recommended that training never saw, and that is not in the history either.

    That it exists is known from held-out playlists only.
    """
    histories = recommender.tracks.rows(sequences).histories()
    assert (recommender.tracks.count == 0).any(), "none to be recommended: this proves nothing"
    for part, answers in recommender.answers(histories, depth=K, contender=contender):
        for history, rows in zip(range(part.start, part.stop), answers.rows, strict=True):
            found = rows[rows != NO_TRACK]
            if np.setdiff1d(found[recommender.tracks.count[found] == 0], histories.tracks_of(history)).size:
                return True
    return False


def with_leak(fitted: Recommender, ranker: Ranker, everything: FlatSequences, artists: np.ndarray) -> Recommender:
    """The same, but that strategies and vectors have seen ``everything``; the ranker stays."""
    embeddings = train_word2vec(everything, EmbeddingsSettings(**VECTORS)).embeddings
    return fit_recommender(everything, artists, embeddings, ranker, fitted.settings)


def with_targets_shuffled(sequences: FlatSequences) -> FlatSequences:
    """Each playlist with the last track of another."""
    values, last = sequences.values.copy(), sequences.offsets[1:] - 1
    values[last] = np.random.default_rng(0).permutation(values[last])
    return replace(sequences, values=values)


def joined(first: FlatSequences, second: FlatSequences) -> FlatSequences:
    return FlatSequences(
        np.concatenate([first.ids, second.ids]),
        np.concatenate([first.values, second.values]),
        np.concatenate([first.offsets, first.offsets[-1] + second.offsets[1:]]),
        np.concatenate([first.titles, second.titles]),
    )
