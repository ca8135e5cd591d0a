"""Strategies on held-out playlists: held against each other, and a few examples of what the chosen one answers."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.memory import give_back, let_go
from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.base.shards import ONE_PROCESS, Shards
from rec_assets.core.evaluation.bootstrap import hit_rate_interval
from rec_assets.core.evaluation.metrics import (
    catalog_coverage,
    greatest_share,
    hit_rate,
    mean_reciprocal_rank,
    median_popularity,
    ndcg,
    tail_share,
)
from rec_assets.core.evaluation.ranking import (
    ALL_SOURCES,
    HeldOutAnswers,
    HeldOutRanks,
    answer_held_out,
    describe_ranks,
)
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.recommender.settings import Contender
from rec_assets.core.strategies.answers import NO_TRACK

TOP = 10
# Playlists on which it is tried how much an answer changes when one track of the history is missing.
_STABILITY_PLAYLISTS = 500


class LeaderboardSettings(Settings):
    """What the leaderboard compares."""

    leaderboard_playlists: int = setting(
        10_000,
        "Number of validation playlists, at most, drawn at random, on which model_leaderboard compares the strategies.",
        ge=1,
    )


def rank_held_out(
    recommender: Recommender,
    sequences: FlatSequences,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    shards: Shards = ONE_PROCESS,
) -> HeldOutRanks:
    """The places at which the chosen strategy recommends the last tracks of held-out ``sequences``, among ``k``.

    ``on_progress`` is called with how many are done, and of how many. Raises DataError: there is no sequence.
    """
    answers = _answer(recommender, recommender.chosen, sequences, on_progress, shards)
    return describe_ranks(answers.ranks, recommender.tracks, recommender.has_vector, sequences)


def compare_contenders(
    recommender: Recommender,
    sequences: FlatSequences,
    on_progress: Callable[[str, int, int], None] = lambda label, done, total: None,
    shards: Shards = ONE_PROCESS,
) -> list[tuple[dict[str, Any], np.ndarray]]:
    """What :func:`try_contender` gives for each contender, by falling hit rate, and each source's ``candidate_recall``.

    ``on_progress`` is called with the label, how many are done, and of how many. Raises DataError: there is no
    sequence.
    """
    tried = []
    for one in recommender.contenders:
        tried.append(try_contender(recommender, one, sequences, partial(on_progress, one.label), shards))
        let_go(recommender.tracks.count)  # the next strategy asks other arrays of the file
        give_back()
    # Who put candidates in order knows which source proposed them.
    recall = {name: share for _, answers in tried for name, share in answers.recall.items()}
    rows = [(figures, answers.ranks) for figures, answers in tried]
    for figures, _ in rows:
        figures["candidate_recall"] = recall.get(figures["strategy"], figures["candidate_recall"])
    return sorted(rows, key=lambda row: -row[0]["hit_rate"])


def try_contender(
    recommender: Recommender,
    contender: Contender,
    sequences: FlatSequences,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    shards: Shards = ONE_PROCESS,
) -> tuple[dict[str, Any], HeldOutAnswers]:
    """A row of the leaderboard: figures of ``contender`` on held-out ``sequences``; and the answers behind it.

    ``candidate_recall`` is the share (0..1) of targets among what the ranker puts in order, NaN for others.
    ``on_progress`` is called with how many are done, and of how many. Raises DataError: there is no sequence.
    """
    start = time.perf_counter()
    answers = _answer(recommender, contender, sequences, on_progress, shards)
    seconds = time.perf_counter() - start
    figures = {
        "strategy": contender.label,
        "k": recommender.settings.k,
        "repeats": contender.repeats,
        "playlists": len(sequences),
        **_figures(answers, recommender, len(sequences), recommender.settings.k),
        "candidate_recall": answers.recall.get(ALL_SOURCES, float("nan")),
        "stability": answer_stability(recommender, contender, sequences),
        "milliseconds_per_playlist": 1_000 * seconds / len(sequences),
    }
    return figures, answers


def _answer(
    recommender: Recommender,
    contender: Contender,
    sequences: FlatSequences,
    on_progress: Callable[[int, int], None],
    shards: Shards,
) -> HeldOutAnswers:
    strategy, depth, repeats = recommender.strategies[contender.label], recommender.settings.k, contender.repeats
    return answer_held_out(
        strategy, recommender.tracks, sequences, depth=depth, repeats=repeats, on_progress=on_progress, shards=shards
    )


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


def answer_stability(recommender: Recommender, contender: Contender, sequences: FlatSequences) -> float:
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
    one, other = (
        np.concatenate([found.rows for _, found in recommender.answers(asked, depth=TOP, contender=contender)])
        for asked in (whole, whole.where(~is_first))
    )
    is_shared = (one[:, :, None] == other[:, None, :]) & (one != NO_TRACK)[:, :, None]
    return float(is_shared.any(axis=2).sum(axis=1).mean()) / TOP


EXAMPLES, HISTORY, RECOMMENDED = 6, 5, 10


@dataclass(frozen=True)
class ExampleTrack:
    """A track of an example.

    Attributes:
        playlist: its place among the examples.
        part: ``history``, ``target`` or ``recommended``.
        place: of the history, steps before the target; of what is recommended, 1 = best; of the target its rank,
            None where it was not found.
    """

    playlist: int
    part: str
    place: int | None
    track_index: int


def example_playlists(recommender: Recommender, sequences: FlatSequences) -> list[ExampleTrack]:
    """The first six of held-out ``sequences``: the end of each history, its target, the first ten answers."""
    tracks = recommender.tracks
    rows = tracks.rows(sequences[:EXAMPLES])
    shown = []
    ((_, answers),) = recommender.answers(rows.histories(), depth=recommender.settings.k)
    ranks = answers.rank_of(rows.from_the_end(0))
    for playlist in range(len(rows)):
        own = tracks.track_index[rows.tracks_of(playlist)].tolist()
        last = own[:-1][-HISTORY:]
        shown += [ExampleTrack(playlist, "history", len(last) - i, track) for i, track in enumerate(last)]
        shown.append(ExampleTrack(playlist, "target", int(ranks[playlist]) or None, own[-1]))
        found = answers.rows[playlist, :RECOMMENDED]
        recommended = tracks.track_index[found[found != NO_TRACK]].tolist()
        shown += [ExampleTrack(playlist, "recommended", i, track) for i, track in enumerate(recommended, start=1)]
    return shown
