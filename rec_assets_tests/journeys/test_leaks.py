"""Held-out targets reach no strategy: they cannot be guessed when shuffled, and a leak would be seen."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from rec_assets.core.evaluation.comparison import CONTENDERS, Contender
from rec_assets.core.vectors.embeddings import Hyperparameters, TrackEmbeddings
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.evaluation.metrics import hit_rate
from rec_assets.core.vectors.embeddings_file import load_embeddings
from rec_assets.core.ranker import Ranker
from rec_assets.core.evaluation.ranking import answer_held_out
from rec_assets.core.recommender.recommender import Recommender, StrategyName
from rec_assets.core.base.relations import read_table
from rec_assets.core.strategies import NO_TRACK, VectorQuery, recommend
from rec_assets.core.strategies.tracks import artist_numbers
from rec_assets.core.vectors.word2vec import train_word2vec
from rec_assets.paths import MADE_SAMPLE
from rec_assets.store.formats import RankerFormat
from rec_assets_tests.conftest import Project

K = 20
SETTINGS = {"epochs": 5, "workers": 2, "source": str(MADE_SAMPLE), "k": K}
POPULARITY = Contender("popularity", StrategyName.popularity, VectorQuery(), repeats=True)


@dataclass(frozen=True)
class Stored:
    """What a run on the shipped sample left."""

    train: FlatSequences
    validation: FlatSequences
    artists: np.ndarray
    embeddings: TrackEmbeddings
    ranker: Ranker


@pytest.fixture
def stored(project: Project, connection) -> Stored:
    project.run_job(SETTINGS)
    tables = {path.stem: read_table(connection, path) for path in project.store.glob("*.parquet")}
    return Stored(
        FlatSequences.from_relation(tables["train_sequences"]),
        FlatSequences.from_relation(tables["validation_sequences"]),
        artist_numbers(tables["track_catalog"]),
        load_embeddings(project.store / "track_embeddings.safetensors"),
        RankerFormat().read(project.store / "track_ranker.json", connection),
    )


def rate(stored: Stored, contender: Contender, sequences: FlatSequences) -> float:
    """Hit rate of a strategy over what is stored."""
    recommender = Recommender(stored.train, stored.artists, stored.embeddings, stored.ranker)
    strategy = recommender.strategy(contender.strategy, contender.query, depth=K)
    answers = answer_held_out(strategy, recommender.tracks, sequences, depth=K, repeats=contender.repeats)
    return hit_rate(answers.ranks, k=K)


def recommends_the_unseen(stored: Stored, contender: Contender) -> bool:
    """Whether a track is recommended that training never saw, and that is not in the history either.

    That it exists is known from held-out playlists only.
    """
    recommender = Recommender(stored.train, stored.artists, stored.embeddings, stored.ranker)
    strategy = recommender.strategy(contender.strategy, contender.query, depth=K)
    histories = recommender.tracks.rows(stored.validation).histories()
    assert (recommender.tracks.count[histories.values] == 0).any(), "none to be recommended: this proves nothing"
    for part, answers in recommend(strategy, recommender.tracks, histories, depth=K, repeats=contender.repeats):
        for history, rows in zip(range(part.start, part.stop), answers.rows, strict=False):
            found = rows[rows != NO_TRACK]
            own = histories.tracks_of(history)
            if np.setdiff1d(found[recommender.tracks.count[found] == 0], own).size:
                return True
    return False


def leaky(stored: Stored) -> Stored:
    """The same with the validation playlists among those that strategies and embeddings are trained on."""
    everything = joined(stored.train, stored.validation)
    embeddings = train_word2vec(everything, Hyperparameters(sg=1, epochs=5, workers=2)).embeddings
    return replace(stored, train=everything, embeddings=embeddings)


def with_targets_shuffled(sequences: FlatSequences) -> FlatSequences:
    """Each playlist with the last track of another."""
    values, last = sequences.values.copy(), sequences.offsets[1:] - 1
    values[last] = np.random.default_rng(0).permutation(values[last])
    return FlatSequences(sequences.ids, values, sequences.offsets)


def joined(first: FlatSequences, second: FlatSequences) -> FlatSequences:
    return FlatSequences(
        np.concatenate([first.ids, second.ids]),
        np.concatenate([first.values, second.values]),
        np.concatenate([first.offsets, first.offsets[-1] + second.offsets[1:]]),
    )


@pytest.mark.slow
def test_targets_are_not_known_and_a_leak_would_show(stored: Stored) -> None:
    shuffled = with_targets_shuffled(stored.validation)
    popularity = rate(stored, POPULARITY, shuffled)
    # Three standard errors of a share of so few playlists.
    room = 3 * (popularity * (1 - popularity) / len(shuffled)) ** 0.5
    told = leaky(stored)
    for contender in CONTENDERS:
        assert rate(stored, contender, shuffled) <= popularity + room, contender.label
        assert not recommends_the_unseen(stored, contender), contender.label
        if contender.strategy not in (StrategyName.popularity, StrategyName.artist_affinity):
            honest = rate(stored, contender, stored.validation)
            assert rate(told, contender, stored.validation) > honest + 0.02, contender.label
