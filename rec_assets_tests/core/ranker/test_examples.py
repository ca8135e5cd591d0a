"""Without these, the ranker could learn from a track that its history does not lead to."""

from collections import Counter, defaultdict

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.ranker.examples import Examples, cut_examples
from rec_assets_tests.core.strategies.slow_strategies import lists_of, sequences_of

PLAYLISTS = st.lists(st.lists(st.integers(0, 9), min_size=2, max_size=9), max_size=8)
SEEDS = st.integers(0, 1_000)


def cuts_of(examples: Examples) -> dict[int, list[int]]:
    """Lengths of the histories by playlist."""
    cuts = defaultdict(list)
    for number, length in zip(examples.histories.ids.tolist(), examples.histories.lengths().tolist(), strict=True):
        cuts[number].append(length)
    return cuts


@settings(deadline=None, max_examples=60)
@given(PLAYLISTS, st.integers(0, 5), SEEDS)
def test_targets_follow_their_histories_and_the_last_track_is_always_one(
    playlists: list[list[int]], more_cuts: int, seed: int
) -> None:
    given = sequences_of(playlists)

    examples = cut_examples(given, more_cuts=more_cuts, limit=1_000, seed=seed)

    assert len(examples.histories) == len(examples.targets)
    for number, history, target in zip(
        examples.histories.ids.tolist(), lists_of(examples.histories), examples.targets.tolist(), strict=True
    ):
        playlist = playlists[number]
        assert [*history, target] == playlist[: len(history) + 1]
        assert len(history) >= min(2, len(playlist) - 1)
    cuts = cuts_of(examples)
    assert list(cuts) == given.ids.tolist()
    for number, of_playlist in cuts.items():
        assert of_playlist == sorted(set(of_playlist))
        assert of_playlist[-1] == len(playlists[number]) - 1
        assert len(of_playlist) <= more_cuts + 1


@settings(deadline=None, max_examples=30)
@given(PLAYLISTS, st.integers(0, 40), SEEDS)
def test_a_limit_keeps_the_first_and_the_seed_decides(playlists: list[list[int]], limit: int, seed: int) -> None:
    def examples(limit: int) -> tuple[list[list[int]], list[int]]:
        found = cut_examples(sequences_of(playlists), more_cuts=3, limit=limit, seed=seed)
        return lists_of(found.histories), found.targets.tolist()

    histories, targets = examples(1_000)
    assert examples(limit) == (histories[:limit], targets[:limit])


def test_another_seed_cuts_at_other_places() -> None:
    long = sequences_of([list(range(30))] * 20)

    def cuts(seed: int) -> dict[str, list[int]]:
        return cuts_of(cut_examples(long, more_cuts=3, limit=1_000, seed=seed))

    assert cuts(1) == cuts(1)
    assert cuts(1) != cuts(2)
    assert len({tuple(of_playlist) for of_playlist in cuts(1).values()}) > 15


def test_all_earlier_places_are_drawn_alike() -> None:
    playlists = sequences_of([list(range(7))] * 3_000)

    drawn = Counter(
        cut for cuts in cuts_of(cut_examples(playlists, more_cuts=1, limit=9_000, seed=1)).values() for cut in cuts
    )

    assert drawn.pop(6) == 3_000
    assert sorted(drawn) == [2, 3, 4, 5]
    assert all(abs(count - 750) < 100 for count in drawn.values())


def test_nothing_is_cut_from_nothing_and_what_is_given_stays() -> None:
    playlists = sequences_of([[3, 1, 2], [5, 4]])
    values = playlists.values.copy()
    playlists.values.setflags(write=False)
    playlists.offsets.setflags(write=False)

    assert len(cut_examples(sequences_of([]), more_cuts=3, limit=5, seed=1).targets) == 0
    examples = cut_examples(playlists, more_cuts=2, limit=9, seed=1)
    assert lists_of(examples.histories) == [[3, 1], [5]]
    assert examples.targets.tolist() == [2, 4]
    assert np.array_equal(playlists.values, values)
