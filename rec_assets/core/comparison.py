"""Strategies held against each other on the same held-out playlists."""

import time
from dataclasses import dataclass

import numpy as np

from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.metrics import (
    catalog_coverage,
    greatest_share,
    hit_rate,
    hit_rate_interval,
    mean_reciprocal_rank,
    median_popularity,
    ndcg,
    tail_share,
)
from rec_assets.core.ranking import HeldOutAnswers, HeldOutRanks, answer_held_out, describe_ranks
from rec_assets.core.recommender import Recommender, StrategyName
from rec_assets.core.strategies import NO_TRACK, TUTORIAL_QUERY, Strategy, VectorQuery, recommend

TOP = 10
# Playlists on which it is tried how much an answer changes when one track of the history is missing.
_STABILITY_PLAYLISTS = 500


@dataclass(frozen=True)
class Contender:
    """A strategy as it is asked, and what the leaderboard calls it."""

    label: str
    strategy: StrategyName
    query: VectorQuery
    repeats: bool


def usual_repeats(strategy: StrategyName) -> bool:
    """Whether tracks of the history may be recommended unless somebody says otherwise.

    Repeats help one list and hurt another, and only the ranker can learn which.
    """
    return strategy is StrategyName.ranker


CONTENDERS = (
    *(Contender(name.value, name, VectorQuery(), usual_repeats(name)) for name in StrategyName),
    Contender("last_track", StrategyName.track_vectors, TUTORIAL_QUERY, repeats=True),
)


@dataclass(frozen=True)
class Outcome:
    """A row of the leaderboard, and the ranks (m,) behind it."""

    figures: dict[str, float | int | str | bool]
    ranks: np.ndarray


def name_contender(strategy: StrategyName, query: VectorQuery, *, repeats: bool) -> Contender:
    """The contender that is asked in this way; of the leaderboard's own if it is one, else "as configured"."""
    for known in CONTENDERS:
        # How vectors are asked is nothing to the other strategies.
        asked_alike = known.query == query or strategy is not StrategyName.track_vectors
        if known.strategy is strategy and known.repeats == repeats and asked_alike:
            return known
    return Contender(f"{strategy.value} as configured", strategy, query, repeats)


def rank_held_out(recommender: Recommender, contender: Contender, sequences: FlatSequences, *, k: int) -> HeldOutRanks:
    """The places at which ``contender`` recommends the last tracks of held-out ``sequences``, among ``k``.

    Raises:
        DataError: there is no sequence.
        SettingsError: ``k`` is more than can be recommended.
    """
    strategy = recommender.strategy(contender.strategy, contender.query, depth=k)
    answers = answer_held_out(strategy, recommender.tracks, sequences, depth=k, repeats=contender.repeats)
    return describe_ranks(answers.ranks, recommender.tracks, recommender.has_vector, sequences)


def try_contender(recommender: Recommender, contender: Contender, sequences: FlatSequences, *, k: int) -> Outcome:
    """Figures of ``contender`` on held-out ``sequences``, with the seconds that fitting and answering took."""
    start = time.perf_counter()
    strategy = recommender.strategy(contender.strategy, contender.query, depth=k)
    fitted = time.perf_counter()
    answers = answer_held_out(strategy, recommender.tracks, sequences, depth=k, repeats=contender.repeats)
    answered = time.perf_counter()
    figures = {
        "strategy": contender.label,
        "repeats": contender.repeats,
        "playlists": len(sequences),
        **_figures(answers, recommender, len(sequences), k),
        "stability": answer_stability(strategy, recommender, sequences, repeats=contender.repeats),
        "fit_seconds": fitted - start,
        "milliseconds_per_playlist": 1_000 * (answered - fitted) / len(sequences),
    }
    return Outcome(figures, answers.ranks)


def _figures(answers: HeldOutAnswers, recommender: Recommender, playlists: int, k: int) -> dict[str, float | int]:
    at_k, at_top = (hit_rate_interval(answers.ranks, k=depth) for depth in (k, TOP))
    # Fewer than 10 answers say nothing of the first 10.
    known = 1.0 if k >= TOP else float("nan")
    counts = recommender.tracks.count
    return {
        "hit_rate": hit_rate(answers.ranks, k=k),
        "hit_rate_low": at_k.low,
        "hit_rate_high": at_k.high,
        "hit_rate_at_10": known * hit_rate(answers.ranks, k=TOP),
        "hit_rate_at_10_low": known * at_top.low,
        "hit_rate_at_10_high": known * at_top.high,
        "mrr": mean_reciprocal_rank(answers.ranks, k=k),
        "ndcg": ndcg(answers.ranks, k=k),
        "catalog_coverage": catalog_coverage(answers.recommended),
        "median_popularity": median_popularity(answers.recommended, counts),
        "greatest_share": greatest_share(answers.recommended, playlists=playlists),
        "tail_share": tail_share(answers.recommended, counts),
    }


def answer_stability(strategy: Strategy, recommender: Recommender, sequences: FlatSequences, *, repeats: bool) -> float:
    """How alike the first 10 answers are (share 0..1 in common) when the first track of the history is missing.

    Over the first 500 of ``sequences`` whose history has at least three tracks; NaN if there are none. A history
    with one old track less is nearly the same: answers that differ much hang on chance.
    """
    rows = recommender.tracks.rows(sequences)
    tried = np.flatnonzero(rows.lengths() > 3)[:_STABILITY_PLAYLISTS]
    if len(tried) == 0:
        return float("nan")
    whole = rows.cut_at(tried, rows.lengths()[tried] - 1)
    is_first = np.zeros(len(whole.values), bool)
    is_first[whole.offsets[:-1]] = True
    answers = [
        np.concatenate([a.rows for _, a in recommend(strategy, recommender.tracks, asked, depth=TOP, repeats=repeats)])
        for asked in (whole, whole.where(~is_first))
    ]
    shared = [len(np.setdiff1d(np.intersect1d(one, other), NO_TRACK)) for one, other in zip(*answers, strict=True)]
    return float(np.mean(shared)) / TOP
