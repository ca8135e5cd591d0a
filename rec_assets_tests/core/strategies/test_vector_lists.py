"""Without these, the approximate search could lose what is near, or the ranker could be measured on other candidates
than those that readers get.
"""

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.base.lineage import LINEAGE_KEY, Lineage
from rec_assets.core.base.tensor_file import map_tensors
from rec_assets.core.ranker import sources
from rec_assets.core.ranker.ranked import RankedCandidates
from rec_assets.core.recommender.recommender import open_recommender, save_recommender
from rec_assets.core.strategies import vector_lists
from rec_assets.core.strategies.vector_lists import MARGIN, VectorLists
from rec_assets.core.strategies.vector_scores import VectorIndex
from rec_assets_tests.core.recommender.small_recommenders import answered, fitted, playlists


def clustered(groups: int, each: int, dimensions: int = 16) -> np.ndarray:
    draw = np.random.default_rng(3)
    centres = draw.normal(size=(groups, 1, dimensions))
    return (centres + 0.3 * draw.normal(size=(groups, each, dimensions))).reshape(-1, dimensions).astype(np.float32)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 9), st.integers(1, 50), st.booleans())
def test_where_every_list_is_read_all_that_is_exact_is_found(
    seed: int, size: int, queries: int, depth: int, some_broken: bool
) -> None:
    draw = np.random.default_rng(seed)
    vectors, asked = draw.normal(size=(size, 5)).astype(np.float32), draw.normal(size=(queries, 5)).astype(np.float32)
    if some_broken:
        vectors[draw.integers(size), 2] = np.nan
        vectors[0] = 1
        asked[0, 0] = np.nan
    index, lists = VectorIndex.build(vectors, np.arange(size, dtype=np.int32), size), VectorLists.build(vectors)

    exact, nearly = index.search(asked, depth), index.scored(asked, lists.search(asked, depth + MARGIN), depth)

    for ours, theirs in zip(nearly, exact, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_few_of_the_lists_hold_nearly_all_that_is_near() -> None:
    vectors = clustered(100, 50)
    lists, index = VectorLists.build(vectors), VectorIndex.build(vectors, np.arange(5_000, dtype=np.int32), 5_000)
    asked = vectors[::25]

    with patch.object(vector_lists, "_READ", len(lists.centres) // 8):
        found = lists.search(asked, 20)

    exact, _ = index.search(asked, 20)
    shared = [len(np.intersect1d(ours, theirs)) for ours, theirs in zip(found, exact, strict=True)]
    assert np.mean(shared) > 0.95 * 20
    assert sorted(lists.places.tolist()) == list(range(5_000))


def test_the_same_vectors_give_the_same_lists_whatever_number_of_threads_builds_them() -> None:
    vectors = clustered(60, 300)

    with patch.object(vector_lists.os, "cpu_count", lambda: 1):
        one = VectorLists.build(vectors)

    for name, array in VectorLists.build(vectors).arrays().items():
        np.testing.assert_array_equal(array, one.arrays()[name], err_msg=name)


def test_a_recommender_of_many_vectors_keeps_its_lists_and_answers_from_its_file_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    histories = playlists(30, seed=4)
    exact = answered(fitted(), histories)
    monkeypatch.setattr(sources, "FEWEST", 1)
    recommender = fitted()
    save_recommender(recommender, tmp_path / "r.safetensors", {LINEAGE_KEY: Lineage("v1", 100, {}).to_json()})

    opened, _, _ = open_recommender(tmp_path / "r.safetensors")

    ranked = opened.strategies["ranker"]
    assert isinstance(ranked, RankedCandidates)
    assert ranked.sources.lists is not None
    assert "strategies.ranker.lists.centres" in map_tensors(tmp_path / "r.safetensors")[0]
    # So few vectors are in few lists, which are all read.
    for answers in (answered(recommender, histories), answered(opened, histories)):
        np.testing.assert_array_equal(answers.rows, exact.rows)
        np.testing.assert_array_equal(answers.scores, exact.scores)
