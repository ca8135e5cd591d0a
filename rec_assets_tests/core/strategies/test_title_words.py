"""Without these a title could be answered by other playlists than those that share its words, and nobody would see."""

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.playlists.titles import word_numbers, words_of
from rec_assets.core.strategies import title_words
from rec_assets.core.strategies.title_words import TitleWords
from rec_assets_tests.core.strategies import slow_strategies as slow
from rec_assets_tests.core.strategies.slow_strategies import World, check, worlds


@pytest.mark.parametrize(
    ("title", "words"),
    [
        ("Été 2016 – ÉTÉ!", ["ete", "2016"]),
        ("80's_rock//Straße", ["80", "s", "rock", "strasse"]),
        ("🎄🎄 Xmas", ["xmas", "🎄"]),
        ("夏 की", ["夏", "की"]),
        ("ﬁre\udcff", ["fire"]),
        ('"/ ???', []),
        ("", []),
    ],
)
def test_words_are_without_case_accents_and_punctuation_each_once(title: str, words: list[str]) -> None:
    assert words_of(title) == words
    assert len(word_numbers(words)) == len(words)


def test_a_word_has_the_same_number_in_every_process_and_version() -> None:
    assert word_numbers(["summer", "夏"]).tolist() == [8462722203138471691, 17270149694617564897]


@settings(deadline=None, max_examples=80)
@given(worlds(), st.integers(1, 4), st.integers(1, 3), st.sampled_from([0.5, 3.0, 300.0]))
def test_a_title_is_answered_as_by_a_loop(world: World, kept: int, read: int, prior: float) -> None:
    assert world.histories.titles is not None
    bounds = {"fewest": 2, "most": 0.5, "prior": prior, "read": read, "kept": kept}
    expected = [slow.title_words(world, title, **bounds) for title in world.histories.titles]

    with patch.multiple(title_words, _PRIOR=prior, _READ=read, _TRACKS_PER_WORD=kept):
        strategy = TitleWords.fit(world.tracks, world.training)

    check(world, strategy.score(world.histories), expected, exact=False)


def test_a_word_of_one_playlist_of_most_or_of_none_says_nothing() -> None:
    titles = ["my rock", "my rock", "my soul", "My jazz", "rock soul my 7"]
    world = World.of([0] * 6, [[0, 1], [0, 2], [3, 4], [5]], [[3]], titles)

    strategy = TitleWords.fit(world.tracks, world.training)

    assert strategy.knows(word_numbers(["my", "rock", "soul", "7"])).tolist() == [False, True, False, False]
    best = strategy.score(world.histories).top(3).rows[0]
    assert set(world.tracks.track_index[best].tolist()) == {0, 1, 2}


def test_without_titles_there_is_no_answer() -> None:
    world = slow.random_world(playlists=20, histories=3)
    strategy = TitleWords.fit(world.tracks, world.training)
    again = TitleWords.from_arrays(strategy.arrays(), world.tracks)

    for one in (strategy, again):
        assert (one.score(world.histories).top(3).rows == slow.NO_TRACK).all()
        assert not one.knows(np.array([0, 5], np.uint64)).any()
