"""Without these a strategy that is better by chance would be recommended, or one that is better would not be named."""

from dataclasses import replace

import numpy as np
import pytest

from rec_assets.core.evaluation.bootstrap import Interval, paired_difference_interval
from rec_assets.core.evaluation.rivals import Rival, best_other, in_words, rivals_of
from rec_assets.core.recommender.settings import CONTENDERS, Contender, RecommenderSettings, Repeats, chosen_contender


def ranks(*found: tuple[int, int], playlists: int = 1_000) -> np.ndarray:
    """Ranks of the targets: so many of each rank, all others not found."""
    own = [rank for rank, number in found for _ in range(number)]
    return np.pad(np.array(own, int), (0, playlists - len(own)))


def test_the_best_other_is_named_at_k_and_at_10_with_the_advice_to_choose_it() -> None:
    own = {"ranker": ranks((1, 100), (50, 100)), "item_knn": ranks((1, 250)), "popularity": ranks((60, 240))}

    rivals = rivals_of("ranker", own, 100)

    assert [(rival.strategy, rival.k, round(rival.difference, 9)) for rival in rivals] == [
        ("item_knn", 100, 0.05),
        ("item_knn", 10, 0.15),
    ]
    assert all(0 < rival.interval.low < rival.difference < rival.interval.high for rival in rivals)
    at_k, at_10 = (f"{100 * one.interval.low:.1f} to {100 * one.interval.high:.1f}" for one in rivals)
    assert in_words("ranker", rivals) == (
        f"item_knn finds 5.0 points more of the held-out tracks among 100 ({at_k}) and item_knn finds 15.0 points more "
        f"of the held-out tracks among 10 ({at_10}) than ranker does. "
        "Set `strategy: item_knn`, `repeats: usual` in the run config."
    )
    both = [rivals[0], replace(rivals[1], strategy="popularity")]
    assert in_words("ranker", both).endswith(
        "Set `strategy: popularity`, `repeats: usual` or `strategy: item_knn`, `repeats: usual` in the run config."
    )
    assert list(best_other(rivals)) == ["best_other_strategy_at_100", "best_other_strategy_at_10"]


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda one: one.label)
def test_the_advice_chooses_the_strategy_that_it_names_whatever_was_set(contender: Contender) -> None:
    settings = contender.settings()

    for other in CONTENDERS:
        for repeats in Repeats:
            before = {**other.settings(), "repeats": repeats.value}
            assert chosen_contender(RecommenderSettings(**{**before, **settings})) == contender
    rival = Rival(contender.label, 5, 0.1, Interval(0.05, 0.15, 0.95))
    named = ", ".join(f"`{name}: {value}`" for name, value in settings.items())
    assert in_words("ranker", [rival]).endswith(f"Set {named} in the run config.")


def test_the_best_of_many_that_are_as_good_is_rarely_better_beyond_chance() -> None:
    # Seven others, whose hits are drawn with the ranker's chance.
    draw = np.random.default_rng(0)
    alarms, uncorrected = 0, 0
    for _ in range(80):
        own = {name: (draw.random(200) < 0.3).astype(int) for name in ("ranker", *"abcdefg")}
        (rival,) = rivals_of("ranker", own, 10)
        alarms += rival.is_better
        uncorrected += paired_difference_interval(own[rival.strategy], own["ranker"]).low > 0

    assert alarms <= 4
    assert uncorrected > alarms


def test_who_is_chosen_is_no_rival_and_none_is_no_evidence() -> None:
    own = {"ranker": ranks((1, 300)), "ranker as configured": ranks((1, 100)), "item_knn": ranks((1, 200))}

    assert [rival.strategy for rival in rivals_of("ranker as configured", own, 10)] == ["ranker"]
    assert rivals_of("ranker as configured", own, 10)[0].is_better
    assert not rivals_of("ranker", own, 10)[0].is_better
    assert rivals_of("ranker", {"ranker": ranks()}, 10) == []
    assert rivals_of("ranker", {"ranker": np.zeros(19, int), "item_knn": np.ones(19, int)}, 10) == []
    assert in_words("ranker", []) == ""
