"""Without this held-out playlists could reach training, and every hit rate would be too high and look only better.

Held-out targets cannot be guessed when they are shuffled, and a leak made on purpose shows that one would be seen.
"""

from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import pytest

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import read_table
from rec_assets.core.evaluation.metrics import hit_rate
from rec_assets.core.evaluation.ranking import answer_held_out
from rec_assets.core.playlists.titles import word_numbers, words_of
from rec_assets.core.ranker.learned import Ranker
from rec_assets.core.ranker.ranked import RankedCandidates
from rec_assets.core.ranker.sources import PROPOSED
from rec_assets.core.recommender.fitting import fit_recommender
from rec_assets.core.recommender.recommender import Recommender, open_recommender
from rec_assets.core.recommender.settings import CONTENDERS, StrategyName
from rec_assets.core.strategies.answers import NO_TRACK, Strategy
from rec_assets.core.strategies.popularity import recommend
from rec_assets.core.strategies.tracks import artist_numbers
from rec_assets.core.vectors.word2vec import EmbeddingsSettings, train_word2vec
from rec_assets.store.formats import FORMATS
from rec_assets_tests.conftest import SPLITS, Project, Row, made_rows, write_unescaped_csv

K, RANKER = 20, StrategyName.ranker.value
# All that proposes candidates, though it be added tomorrow; the ranker, which has every feature; and the contenders.
ASKED = list(dict.fromkeys([*PROPOSED, *(contender.label for contender in CONTENDERS)]))
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


@dataclass(frozen=True)
class Case:
    """What was fitted, the same with a leak, and what both are asked."""

    fitted: Recommender
    leaky: Recommender
    validation: FlatSequences
    shuffled: FlatSequences

    def rate(self, recommender: Recommender, name: str, sequences: FlatSequences) -> float:
        strategy, repeats = strategies_of(recommender)[name]
        return hit_rate(answer_held_out(strategy, recommender.tracks, sequences, depth=K, repeats=repeats).ranks, k=K)


@pytest.fixture(scope="module")
def case(project) -> Any:
    with duckdb.connect() as connection:
        train, validation = (FlatSequences.from_relation(stored(project, connection, name)) for name in SPLITS[:2])
        ranker = FORMATS[Ranker].read(project.store / "track_ranker.json", connection)
        artists = artist_numbers(stored(project, connection, "track_catalog"))
    fitted = open_recommender(project.store / "recommender.safetensors")[0]
    leaky = with_leak(fitted, ranker, joined(train, validation), artists)
    return Case(fitted, leaky, validation, with_targets_shuffled(validation))


def strategies_of(recommender: Recommender) -> dict[str, tuple[Strategy, bool]]:
    """Every source of the ranker, and every contender, by name; and whether it may repeat tracks."""
    ranked = recommender.strategies[RANKER]
    assert isinstance(ranked, RankedCandidates)
    sources = {name: (strategy, False) for name, strategy in ranked.sources.strategies.items()}
    return sources | {one.label: (recommender.strategies[one.label], one.repeats) for one in recommender.contenders}


def test_every_source_and_every_contender_is_asked_here(case: Case) -> None:
    assert set(strategies_of(case.fitted)) == set(ASKED)
    assert (case.fitted.tracks.count == 0).any(), "no track is in held-out playlists only: this proves nothing"


@pytest.mark.parametrize("name", ASKED)
def test_shuffled_targets_fall_to_popularity(case: Case, name: str) -> None:
    popularity = case.rate(case.fitted, "popularity", case.shuffled)
    # Three standard errors of a share of so few playlists.
    room = 3 * (popularity * (1 - popularity) / len(case.shuffled)) ** 0.5

    assert case.rate(case.fitted, name, case.shuffled) <= popularity + room


# What knows no more than counts, artists and words of titles cannot remember a playlist.
@pytest.mark.parametrize(
    "name", [name for name in ASKED if name not in ("popularity", "artist_affinity", "title_words")]
)
def test_a_leak_would_show(case: Case, name: str) -> None:
    honest = case.rate(case.fitted, name, case.validation)

    assert case.rate(case.leaky, name, case.validation) > honest + 0.02


def test_a_title_that_held_out_playlists_alone_have_teaches_nothing(project, connection, case: Case) -> None:
    train, *held_out = (FlatSequences.from_relation(stored(project, connection, name)) for name in SPLITS)
    words, own = (set(chain(*map(words_of, part.titles))) for part in (joined(*held_out), train))
    theirs, known = words - own, case.fitted.title_words
    assert len(theirs) > 200
    assert known is not None

    assert not known.knows(word_numbers(theirs)).any()
    assert known.knows(word_numbers("abc")).all()


@pytest.mark.parametrize("name", ASKED)
def test_what_held_out_playlists_alone_hold_is_not_recommended(case: Case, name: str) -> None:
    tracks, (strategy, repeats) = case.fitted.tracks, strategies_of(case.fitted)[name]
    histories = tracks.rows(case.validation).histories()
    for part, answers in recommend(strategy, tracks, histories, depth=K, repeats=repeats):
        for history, rows in zip(range(part.start, len(histories)), answers.rows, strict=False):
            found = rows[rows != NO_TRACK]
            assert not np.setdiff1d(found[tracks.count[found] == 0], histories.tracks_of(history)).size


def test_what_held_out_playlists_alone_hold_is_no_candidate(case: Case) -> None:
    ranked = case.fitted.strategies[RANKER]
    assert isinstance(ranked, RankedCandidates)
    histories = case.fitted.tracks.rows(case.validation).histories()
    candidates = ranked.sources.propose(histories)

    unseen = case.fitted.tracks.count[candidates.rows] == 0
    pairs = zip(candidates.history[unseen], candidates.rows[unseen], strict=True)
    assert unseen.any()
    assert all(row in histories.tracks_of(history) for history, row in pairs)


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
