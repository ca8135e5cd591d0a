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
@given(worlds(), st.integers(1, 4), st.integers(2, 4), st.sampled_from([0.5, 300.0]), st.sampled_from([0.3, 2.0]))
def test_a_title_is_answered_as_by_a_loop(world: World, kept: int, read: int, rows: float, pairs: float) -> None:
    assert world.histories.titles is not None
    # Above 1, and no quotient that rounding could put on either side.
    bounds = {"lift": 1.0001, "pairs": pairs, "rows": rows, "read": read, "kept": kept}
    expected = [slow.title_words(world, title, **bounds) for title in world.histories.titles]

    own = {"_LIFT": 1.0001, "_PRIOR_PAIRS": pairs, "_PRIOR_ROWS": rows, "_READ": read, "_TRACKS_PER_WORD": kept}
    with patch.multiple(title_words, **own):
        strategy = TitleWords.fit(world.tracks, world.training)

    check(world, strategy.score(world.histories), expected, exact=False)


def test_a_word_is_known_only_if_its_playlists_share_more_than_any_do() -> None:
    draw = np.random.default_rng(0)
    # Ten genres of forty tracks; a word is of a genre, in all titles, of one playlist, or of any.
    genre = [number % 10 for number in range(200)]
    playlists = [(40 * own + draw.integers(40, size=12)).tolist() for own in genre]
    titles = [f"My {'abcdefghij'[own]} no{number} {number % 7}" for number, own in enumerate(genre)]
    world = World.of([0] * 400, playlists, [[3]], [*titles, "B, 5: my!"])

    strategy = TitleWords.fit(world.tracks, world.training)

    asked = ["my", *"abcdefghij", *"0123456", *(f"no{number}" for number in range(200))]
    assert strategy.knows(word_numbers(asked)).tolist() == [False, *[True] * 10, *[False] * 207]
    best = world.tracks.track_index[strategy.score(world.histories).top(20).rows[0]]
    assert ((best >= 40) & (best < 80)).all()


def test_without_titles_there_is_no_answer() -> None:
    world = slow.random_world(playlists=20, histories=3)
    strategy = TitleWords.fit(world.tracks, world.training)
    again = TitleWords.from_arrays(strategy.arrays(), world.tracks)

    for one in (strategy, again):
        assert (one.score(world.histories).top(3).rows == slow.NO_TRACK).all()
        assert not one.knows(np.array([0, 5], np.uint64)).any()
