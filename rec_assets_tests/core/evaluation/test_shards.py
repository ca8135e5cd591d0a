"""Without these, what is measured and recommended could depend on how the playlists are cut, and on who answers."""

import pickle
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from rec_assets.core.base.shards import Shards
from rec_assets.core.evaluation.comparison import compare_contenders, rank_held_out
from rec_assets.core.evaluation.ranking import answer_held_out
from rec_assets.core.promoted.batch import recommend_to_all
from rec_assets.core.recommender.settings import CONTENDERS, Contender
from rec_assets.store.table_file import write_table
from rec_assets_tests.core.promoted.small_promoted import built, named
from rec_assets_tests.core.recommender import small_recommenders
from rec_assets_tests.core.recommender.small_recommenders import ARTISTS, playlists

fitted = cache(small_recommenders.fitted)
PLAYLISTS = playlists(1_200, seed=7)
WHOLE = Shards(size=1_200)


def sent(value: Any) -> Any:
    """As it comes out of another machine's memory: its arrays can be read only."""
    arrays: list[pickle.PickleBuffer] = []
    text = pickle.dumps(value, protocol=5, buffer_callback=arrays.append)
    return pickle.loads(text, buffers=[bytes(one.raw()) for one in arrays])


def elsewhere(answer: Callable[[Any], Any], shards: Iterable[Any]) -> Iterator[Any]:
    held = sent(answer)
    return (sent(held(sent(shard))) for shard in shards)


CUT = Shards(size=500, map=elsewhere)


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda contender: contender.label)
def test_held_out_answers_are_the_same_in_one_part_and_in_shards_that_others_answer(contender: Contender) -> None:
    strategy, tracks = fitted(fitted="all").strategies[contender.label], fitted(fitted="all").tracks

    whole, cut = (
        answer_held_out(strategy, tracks, PLAYLISTS, depth=10, repeats=contender.repeats, shards=shards)
        for shards in (WHOLE, CUT)
    )

    for one, other in zip(vars(whole).values(), vars(cut).values(), strict=True):
        np.testing.assert_equal(one, other)
    assert whole.ranks.any()


def test_ranks_and_leaderboard_ask_those_who_answer_shards() -> None:
    asked: list[int] = []

    def counting(answer: Callable[[Any], Any], shards: Iterable[Any]) -> Iterator[Any]:
        return (asked.append(len(shard)) or answer(shard) for shard in shards)

    recommender = fitted(strategy="popularity", fitted="chosen")
    rank_held_out(recommender, PLAYLISTS, shards=Shards(500, counting))
    compare_contenders(recommender, PLAYLISTS, shards=Shards(500, counting))

    assert asked == 2 * [500, 500, 200]


def test_the_table_of_recommendations_has_the_same_bytes_in_one_part_and_in_shards(tmp_path: Path) -> None:
    model = built(fitted(), named(len(ARTISTS), np.maximum(ARTISTS, 0)))
    names = pa.table({"user_id": [str(own) for own in PLAYLISTS.ids], "playlist": PLAYLISTS.titles.tolist()})
    rows = model.recommender.tracks.rows(PLAYLISTS)
    told: list[tuple[int, int]] = []

    for name, shards in {"whole": WHOLE, "cut": CUT}.items():
        table = recommend_to_all(
            model, rows, names, depth=9, on_progress=lambda *done: told.append(done), shards=shards
        )
        with duckdb.connect() as connection:
            write_table(connection.from_arrow(table), tmp_path / name, {})

    assert (tmp_path / "whole").read_bytes() == (tmp_path / "cut").read_bytes()
    assert told == [(1_200, 1_200), (500, 1_200), (1_000, 1_200), (1_200, 1_200)]
