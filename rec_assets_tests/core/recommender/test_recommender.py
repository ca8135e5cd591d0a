"""Without these, the same history could be answered otherwise in another batch, or from the file than before it."""

import json
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rec_assets.core.base.errors import UnreadableError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.lineage import LINEAGE_KEY, Lineage
from rec_assets.core.base.seal import verify_seal
from rec_assets.core.base.tensor_file import map_tensors, write_tensors
from rec_assets.core.recommender.recommender import Recommender, open_recommender, save_recommender
from rec_assets.core.recommender.settings import CONTENDERS, Contender
from rec_assets.core.strategies.answers import Answers
from rec_assets.core.strategies.track_vectors import ColdQuery, Query, Scoring
from rec_assets_tests.core.recommender.small_recommenders import TRAINING, answered, fitted, playlists

NOTES = {LINEAGE_KEY: Lineage("v1", 100, {}).to_json(), "note": "ö"}
EACH_CONTENDER = pytest.mark.parametrize("contender", CONTENDERS, ids=lambda contender: contender.label)


# None of them the default, so that none is lost on the way through the file.
SETTINGS = {
    **{"item_knn_window": 3, "item_knn_damping": 0.4, "item_knn_neighbours": 20, "item_knn_decay": 0.7},
    **{"item_knn_length": 4, "playlist_knn_decay": 0.6},
}


@pytest.fixture(scope="module")
def whole() -> Recommender:
    return fitted(**SETTINGS)


@pytest.fixture(scope="module")
def histories() -> FlatSequences:
    """300 histories: tracks that training lacks, tracks without a vector, repeats, and some of no track at all."""
    return playlists(300, seed=5, shortest=0)


def assert_equal(found: Answers, expected: Answers) -> None:
    """To the last bit."""
    np.testing.assert_array_equal(found.rows, expected.rows)
    np.testing.assert_array_equal(found.scores, expected.scores)


@EACH_CONTENDER
def test_a_history_is_answered_alike_alone_in_a_small_batch_and_in_a_large_one(
    whole: Recommender, histories: FlatSequences, contender: Contender
) -> None:
    everything = answered(whole, histories, contender)
    shuffled = np.random.default_rng(0).permutation(len(histories))

    assert_equal(
        answered(whole, histories.at(shuffled), contender),
        Answers(everything.rows[shuffled], everything.scores[shuffled]),
    )
    for batch, last in ((1, 40), (7, 300)):
        for start in range(0, last, batch):
            part = slice(start, start + batch)
            alone = answered(whole, histories[part], contender)
            assert_equal(alone, Answers(everything.rows[part], everything.scores[part]))


@EACH_CONTENDER
def test_the_file_answers_as_what_was_written_to_it(
    whole: Recommender, histories: FlatSequences, contender: Contender, saved: Path
) -> None:
    opened, notes, _ = open_recommender(saved)

    assert_equal(answered(opened, histories, contender), answered(whole, histories, contender))
    assert opened.settings == whole.settings
    assert opened.contenders == whole.contenders
    assert notes == NOTES


@pytest.fixture(scope="module")
def saved(whole: Recommender, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recommender") / "recommender.safetensors"
    save_recommender(whole, path, NOTES)
    verify_seal(path)
    return path


@pytest.mark.parametrize(("query", "scoring"), list(product(Query, Scoring)), ids=lambda one: one.value)
def test_vectors_answer_from_their_arrays_in_every_way_they_can_be_asked(
    histories: FlatSequences, query: Query, scoring: Scoring
) -> None:
    for cold in ColdQuery:
        asked = {"query": query, "scoring": scoring, "cold_query": cold, "cold_query_seed": 3, "query_decay": 0.7}
        recommender = fitted(strategy="track_vectors", fitted="chosen", **asked)

        again = Recommender.from_arrays(recommender.arrays(), recommender.settings, list(recommender.strategies))

        assert_equal(answered(again, histories), answered(recommender, histories))


def test_the_same_recommender_gives_the_same_bytes(saved: Path, tmp_path: Path) -> None:
    save_recommender(fitted(**SETTINGS), tmp_path / "again", NOTES)

    assert (tmp_path / "again").read_bytes() == saved.read_bytes()


def test_more_arrays_travel_in_the_same_file(whole: Recommender, tmp_path: Path) -> None:
    save_recommender(whole, tmp_path / "more", NOTES, {"names.a": np.arange(3)})

    assert open_recommender(tmp_path / "more")[2]["names.a"].tolist() == [0, 1, 2]


def test_an_empty_history_gets_the_most_frequent_tracks(whole: Recommender, histories: FlatSequences) -> None:
    silent = np.flatnonzero(histories.lengths() == 0)
    assert len(silent) > 3
    for titles in (None, np.full(len(histories), "my mood", object)):
        asked = replace(histories, titles=titles)
        for contender in whole.contenders:
            assert answered(whole, asked, contender).rows[silent].tolist() == [list(range(10))] * len(silent)


def test_an_empty_history_with_a_title_gets_what_playlists_of_that_title_hold(
    whole: Recommender, histories: FlatSequences
) -> None:
    silent = np.flatnonzero(histories.lengths() == 0)
    titles = np.full(len(histories), "", object)
    titles[silent[:2]] = "GYM", "Winter in my mood"
    for contender in whole.contenders:
        found = answered(whole, replace(histories, titles=titles), contender)
        gym, winter, untitled = whole.tracks.track_index[found.rows[silent[:3]]]
        # A quarter of the numbers each, and twenty more that a playlist may reach; track 1 is in all playlists.
        assert ((gym >= 300) | (gym < 20)).all()
        assert (((winter >= 100) & (winter < 220)) | (winter == 1)).all()
        assert untitled.tolist() == whole.tracks.track_index[:10].tolist()


def test_without_any_title_its_words_are_not_compared(whole: Recommender) -> None:
    assert whole.knows_titles
    without = fitted(training=replace(TRAINING, titles=None), **SETTINGS)
    assert not without.knows_titles
    assert {one.label for one in whole.contenders} - {one.label for one in without.contenders} == {"title_words"}


def test_without_any_artist_it_says_so(whole: Recommender) -> None:
    assert whole.knows_artists
    whole.tracks.artist.setflags(write=False)
    arrays = {**whole.arrays(), "tracks.artist": np.full(len(whole.tracks), -1, np.int32)}
    without = Recommender.from_arrays(arrays, whole.settings, ["popularity", "artist_affinity"])
    assert not without.knows_artists
    assert [contender.label for contender in without.contenders] == ["popularity"]


def damaged(saved: Path, path: Path, *, without: str = "", **changes: Any) -> Path:
    arrays, header = map_tensors(saved)
    kept = {name: array for name, array in arrays.items() if not name.startswith(without or "nothing")}
    write_tensors(path, kept, {**header, **changes})
    return path


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"without": "tracks.count"}, "lacks tracks.count"),
        ({"without": "strategies.item_knn"}, "no recommender that this version of rec_assets knows"),
        ({"strategies": ["mood"]}, "no recommender that this version of rec_assets knows .'mood'"),
        ({"settings": {"mood": 1}}, "There is no setting `mood`"),
        ({"notes": {}}, "no recommender that this version of rec_assets knows"),
        (
            {"notes": {LINEAGE_KEY: json.dumps({"data_version": "v", "sample_percent": 100, "settings": {}})}},
            "is of format 1",
        ),
    ],
)
def test_a_file_of_another_version_is_refused(saved: Path, tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(UnreadableError, match=said):
        open_recommender(damaged(saved, tmp_path / "other", **change))
