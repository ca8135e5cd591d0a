"""Hold out the last track of each playlist, and find the place at which a strategy recommends it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.errors import DataError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.shards import ONE_PROCESS, Shards
from rec_assets.core.ranker.ranked import RankedCandidates, RankedScores
from rec_assets.core.ranker.sources import PROPOSED
from rec_assets.core.strategies.answers import NO_TRACK, Answers, Scores, Strategy
from rec_assets.core.strategies.popularity import recommend
from rec_assets.core.strategies.tracks import Tracks

NOT_FOUND = 0
ALL_SOURCES = "all"


@dataclass(frozen=True)
class HeldOutRanks:
    """One entry per held-out playlist, in the order of the sequences; all arrays are (m,).

    The target is the last track, the query the one before it; a track is cold if it has no vector.

    Attributes:
        rank: int32, 1 = best; ``NOT_FOUND`` where the target is not among the tracks recommended.
        popularity_rank: int32 rank of the target by training count; ``NOT_FOUND`` where that is 0.
        history_length: int32 tracks before the target.
        target_count: int64 occurrences of the target in training.
        same_artist: int8, whether the target's artist is in the history; -1 where the artist is unknown.
    """

    query_track: np.ndarray
    target_track: np.ndarray
    rank: np.ndarray
    popularity_rank: np.ndarray
    query_is_cold: np.ndarray
    target_is_cold: np.ndarray
    history_length: np.ndarray
    target_count: np.ndarray
    same_artist: np.ndarray


@dataclass(frozen=True)
class HeldOutAnswers:
    """What a strategy did.

    Attributes:
        ranks: (m,) of the targets.
        recommended: (t,) int64, by row, to how many playlists.
        recall: share (0..1) of the targets among the candidates of each source of ``PROPOSED``, and of all together
            under ``ALL_SOURCES``; empty unless the strategy puts candidates in order.
    """

    ranks: np.ndarray
    recommended: np.ndarray
    recall: dict[str, float]


def answer_held_out(
    strategy: Strategy,
    tracks: Tracks,
    sequences: FlatSequences,
    *,
    depth: int,
    repeats: bool,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    shards: Shards = ONE_PROCESS,
) -> HeldOutAnswers:
    """Ask for the track that follows each history, the last track of each of ``sequences`` being the target.

    ``strategy`` was fitted on other playlists than ``sequences``, which are by track index and have two tracks or more;
    a target beyond the ``depth`` tracks recommended is not found; with ``repeats`` tracks of the history may be
    recommended. ``on_progress`` is called with how many are done, and of how many. Raises DataError: there is no
    sequence.
    """
    if len(sequences) == 0:
        raise DataError("there is no held-out playlist to rank; materialize the splits from more playlists.")
    ranks = np.full(len(sequences), NOT_FOUND, np.int32)
    recommended = np.zeros(len(tracks), np.int64)
    proposed = np.zeros((len(sequences), len(PROPOSED) + 1), bool)
    ask = partial(_ask, strategy, tracks, depth, repeats)
    for part, (ranks[part], rows, proposed[part]) in shards.answer(ask, sequences):
        recommended += np.bincount(rows[rows != NO_TRACK], minlength=len(tracks))
        on_progress(part.stop, len(sequences))
    shares = dict(zip((*PROPOSED, ALL_SOURCES), proposed.mean(axis=0).tolist(), strict=True))
    return HeldOutAnswers(ranks, recommended, shares if isinstance(strategy, RankedCandidates) else {})


def _ask(
    strategy: Strategy, tracks: Tracks, depth: int, repeats: bool, sequences: FlatSequences
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For a shard of ``sequences``: ranks (m,), the rows recommended (m, depth), and which source has the target."""
    rows = tracks.rows(sequences)
    targets = rows.from_the_end(0)
    proposed = np.zeros((len(rows), len(PROPOSED) + 1), bool)

    def look(part: slice, scores: Scores) -> None:
        if isinstance(scores, RankedScores):
            proposed[part] = scores.proposed(targets[part])

    asked = recommend(strategy, tracks, rows.histories(), depth=depth, repeats=repeats, on_scores=look)
    answers = Answers.joined([found for _, found in asked])
    return answers.rank_of(targets), answers.rows, proposed


def describe_ranks(ranks: np.ndarray, tracks: Tracks, has_vector: np.ndarray, sequences: FlatSequences) -> HeldOutRanks:
    """``ranks`` (m,) of the targets of ``sequences``, with what is known of query and target.

    ``has_vector`` is (t,) bool by row.
    """
    rows = tracks.rows(sequences)
    query, target = rows.from_the_end(1), rows.from_the_end(0)
    counts = tracks.count[target]
    return HeldOutRanks(
        query_track=sequences.from_the_end(1),
        target_track=sequences.from_the_end(0),
        rank=ranks,
        popularity_rank=np.where(counts > 0, target + 1, NOT_FOUND).astype(np.int32),
        query_is_cold=~has_vector[query],
        target_is_cold=~has_vector[target],
        history_length=(rows.lengths() - 1).astype(np.int32),
        target_count=counts,
        same_artist=_same_artist(tracks, rows),
    )


def _same_artist(tracks: Tracks, rows: FlatSequences) -> np.ndarray:
    artist = tracks.artist[rows.values]
    owner = rows.owners()
    is_target = np.zeros(len(artist), bool)
    is_target[rows.offsets[1:] - 1] = True
    target_artist = artist[is_target]
    meets = (artist == target_artist[owner]) & ~is_target
    found = np.bincount(owner[meets], minlength=len(rows)) > 0
    return np.where(target_artist == UNKNOWN_ARTIST, -1, found).astype(np.int8)
