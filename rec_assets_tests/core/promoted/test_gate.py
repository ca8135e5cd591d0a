"""The gate, by figures worked out by hand; without this a worse model, or one that cheats, could be promoted."""

from typing import Any

import numpy as np
import pytest

from rec_assets.core.promoted.comparing import Comparison
from rec_assets.core.promoted.gate import GateSettings, decide, entry_of
from rec_assets.core.recommender.settings import RecommenderSettings, chosen_contender

COUNTS = {"rows": 1_000, "playlists": 100, "tracks": 100}


def facts(**changes: Any) -> dict[str, Any]:
    counts = COUNTS | changes.pop("counts", {})
    return {
        "strategy": "ranker",
        "question": {"strategy": "ranker", "repeats": True},
        "copied_share": 0.0,
        "only_repeats": "",
        "hit_rate": 0.5,
        "interval": [0.4, 0.6],
        "popularity_hit_rate": 0.1,
        "validation_playlists": 100,
        "k": 10,
        "dev_run": False,
        "counts": counts,
    } | changes


def compared(candidate: list[int], promoted: list[int], **changes: Any) -> Comparison:
    given = {"k": 10, "left_out": 0, "known_share": 1.0} | changes
    return Comparison(np.array(candidate), np.array(promoted), **given)


def half(n: int = 200) -> list[int]:
    """Ranks of which every second is a hit."""
    return [1, 0] * (n // 2)


def reasons(candidate: dict, promoted: dict | None, comparison: Comparison | None, **bounds: float) -> str:
    decision = decide(candidate, promoted, comparison, GateSettings(**bounds))
    assert decision.promote is (not decision.reasons)
    return "; ".join(decision.reasons)


def test_the_first_candidate_needs_only_its_checks_and_to_be_no_worse_than_popularity() -> None:
    assert decide(facts(), None, None, GateSettings()).promote
    assert decide(facts(popularity_hit_rate=0.6), None, None, GateSettings()).promote, "no less, as far as can be said"
    said = reasons(facts(popularity_hit_rate=0.61), None, None)
    assert "0.5000 (95 % interval to 0.6000)" in said
    assert "(0.6100)" in said
    few = {"hit_rate": 0.0, "interval": [0.0, 0.0], "popularity_hit_rate": 1.0}
    assert not reasons(facts(**few, validation_playlists=5), None, None), "too few to tell"
    assert reasons(facts(**few, validation_playlists=6), None, None)
    failed = decide(facts(), None, None, GateSettings(), ["track_embeddings.vectors_are_finite"])
    assert failed.reasons == ["the check track_embeddings.vectors_are_finite failed"]


def test_a_first_candidate_that_only_finds_repeats_is_refused_unless_that_is_meant() -> None:
    repeating = facts(only_repeats="ranker finds 100.0%. Remove the second copy")

    assert reasons(repeating, None, None) == (
        "ranker finds 100.0%. Remove the second copy, or set may_only_repeat: true if that is how playlists are"
    )
    assert not reasons(repeating, None, None, may_only_repeat=True)


def test_held_out_playlists_that_are_training_playlists_are_refused_of_the_first_candidate_too() -> None:
    assert "10.1% of the held-out playlists are training playlists, too" in reasons(
        facts(copied_share=0.101), None, None
    )
    assert not reasons(facts(copied_share=0.1), None, None)


def test_an_equal_candidate_is_promoted_and_its_figures_are_given() -> None:
    decision = decide(facts(), facts(), compared(half(), half(), left_out=7), GateSettings())

    assert decision.promote
    assert decision.figures["difference"] == 0
    assert (decision.figures["compared_playlists"], decision.figures["left_out_playlists"]) == (200, 7)
    assert (decision.figures["candidate_hit_rate"], decision.figures["promoted_hit_rate"]) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("lost", "of", "margin", "said"),
    [
        (2, 100, 0.02, "too few to tell"),  # the interval reaches to -0.05
        (2, 100, 0.03, ""),
        (3, 100, 0.02, "at most 0.02 (max_hit_rate_loss, max_relative_loss)"),
        (20, 1_000, 0.02, ""),  # exactly the margin
        (21, 1_000, 0.02, "at most 0.02 (max_hit_rate_loss, max_relative_loss)"),
        (20, 20, 1, ""),  # whoever allows everything gets it
    ],
)
def test_a_loss_is_held_against_the_margin_and_its_interval_against_twice_as_much(
    lost: int, of: int, margin: float, said: str
) -> None:
    promoted = [1] * of
    candidate = [0] * lost + promoted[lost:]

    found = reasons(facts(), facts(), compared(candidate, promoted), max_hit_rate_loss=margin, max_relative_loss=1)

    assert said in found
    assert bool(said) is bool(found)


def test_a_small_rate_may_lose_a_share_of_itself_only() -> None:
    promoted = [1] * 240 + [0] * 9_760
    said = reasons(facts(), facts(hit_rate=0.024), compared([0] * 60 + promoted[60:], promoted))
    assert "0.0180" in said
    assert "0.0240" in said
    assert "at most 0.0048 (max_hit_rate_loss, max_relative_loss)" in said
    assert not reasons(facts(), facts(hit_rate=0.024), compared([0] * 40 + promoted[40:], promoted))


def test_candidates_one_after_the_other_may_not_lose_more_than_twice_the_margin() -> None:
    current, steps = facts(), 0
    for _ in range(10):
        comparison = compared([0] * 30 + half(2_000)[30:], half(2_000))  # 0.0075 lost
        decision = decide(facts(), current, comparison, GateSettings())
        if not decision.promote:
            break
        current, steps = facts(figures=decision.figures), steps + 1

    assert steps == 5
    assert "all losses since the best model are -0.0450; expected twice 0.02" in decision.reasons[0]
    # A gain makes good what was lost.
    won = decide(facts(), current, compared(half(2_000), [0] * 200 + half(2_000)[200:]), GateSettings())
    assert won.figures["loss_so_far"] == 0


def asked(**settings: Any) -> dict[str, Any]:
    """Label and question of a recommender of vectors."""
    contender = chosen_contender(RecommenderSettings(strategy="track_vectors", **settings))
    return {"strategy": contender.label, "question": contender.question()}


def gained(points: int) -> Comparison:
    """The candidate hits so many more of 200 playlists, in hundredths, than the promoted model."""
    return compared([1] * 2 * points + half()[2 * points :], [0] * 2 * points + half()[2 * points :])


TUTORIAL = {"query": "last", "scoring": "cosine"}


def test_a_gain_that_is_too_good_is_refused_of_the_same_question_whatever_it_is_called() -> None:
    too_good = "which is too good: held-out tracks are probably known"
    last, history, other_history = asked(**TUTORIAL), asked(), asked(query_decay=0.5)
    # Both are "as configured"; the questions differ.
    assert asked(**TUTORIAL)["strategy"] == other_history["strategy"] == "track_vectors as configured"

    for candidate, promoted in ((history, last), (last, history), (other_history, last), (history, other_history)):
        assert not reasons(facts(**candidate), facts(**promoted), gained(23))
    for question in (last, history, other_history):
        assert too_good in reasons(facts(**question), facts(**question), gained(23))
        renamed = question | {"strategy": "as another version called it"}
        assert too_good in reasons(facts(**renamed), facts(**question), gained(23))
    assert not reasons(facts(**last), facts(**last), gained(23), max_hit_rate_gain=0.6)


def test_a_rank_beyond_k_is_no_hit() -> None:
    said = reasons(facts(), facts(), compared([11, 11, 0, 1] * 50, [1, 1, 0, 1] * 50))

    assert "-0.5000" in said


@pytest.mark.parametrize("name", ["rows", "playlists", "tracks"])
def test_data_that_shrink_or_grow_too_much_are_refused(name: str) -> None:
    for factor, is_refused in ((0.79, True), (0.8, False), (1.5, False), (1.51, True)):
        candidate = facts(counts={name: int(COUNTS[name] * factor)})
        said = reasons(candidate, facts(), compared(half(), half()))
        assert (f" {name}, {factor:.2f} times" in said) is is_refused


def test_tracks_that_the_promoted_model_does_not_know_are_refused() -> None:
    said = reasons(facts(), facts(), compared(half(), half(), known_share=0.69))

    assert "knows the track of 69.0% of the rows; expected at least 70.0% (min_known_share)" in said
    assert not reasons(facts(), facts(), compared(half(), half(), known_share=0.7))


def test_playlists_on_which_the_promoted_model_fails_too_are_refused() -> None:
    rare = [1] + [0] * 9
    said = reasons(facts(), facts(hit_rate=0.5), compared(rare * 40, rare * 40))

    assert "0.1000" in said
    assert "(max_hit_rate_shift)" in said
    # At another k the two rates say nothing of each other.
    assert not reasons(facts(), facts(hit_rate=0.5, k=20), compared(rare * 40, rare * 40))
    # Of ten playlists alone nothing can be said.
    assert not reasons(facts(), facts(hit_rate=0.2), compared(rare, rare))


def test_a_dev_run_never_takes_the_place_of_a_model_of_all_playlists() -> None:
    dev, small = facts(dev_run=True), {"rows": 10, "playlists": 10, "tracks": 5}

    assert "of a dev run" in reasons(dev, facts(), compared(half(), half()))
    assert not reasons(dev, facts(dev_run=True), compared(half(), half()))
    # Over a dev run's model the size of the data says nothing.
    assert not reasons(facts(), facts(dev_run=True, counts=small), compared(half(), half()))


def test_without_a_playlist_that_both_have_not_seen_it_is_refused() -> None:
    assert "trained on all 30" in reasons(facts(), facts(), compared([], [], left_out=30))


def test_the_history_keeps_what_was_decided_and_why() -> None:
    decision = decide(facts(), facts(), compared([0] * 200, half()), GateSettings())
    report = {
        "promote": decision.promote,
        "reasons": decision.reasons,
        "compared_with": 3,
        "figures": decision.figures,
        "candidate": facts(),
    }

    entry = entry_of(report, at="2026-01-05T05:00:00+00:00")

    assert (entry["promote"], entry["compared_with"], entry["difference"]) == (False, 3, -0.5)
    assert (entry["rows"], entry["at"]) == (1_000, "2026-01-05T05:00:00+00:00")
    assert entry["reasons"] == decision.reasons
