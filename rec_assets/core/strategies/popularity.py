"""The most frequent tracks of training, whatever the history."""

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.strategies.answers import NO_TRACK, Answers
from rec_assets.core.strategies.tracks import Tracks


class Popularity:
    """Recommends by training count; tracks that never occur in training are never recommended."""

    batch = 2_048

    def __init__(self, tracks: Tracks) -> None:
        self._count = tracks.count

    def arrays(self) -> dict[str, np.ndarray]:
        """Nothing: the counts are those of the tracks."""
        return {}

    def score(self, histories: FlatSequences) -> "PopularScores":
        """The same scores for all ``histories``."""
        return PopularScores(self._count, len(histories))


class PopularScores:
    """The training counts (t,), falling, as the scores of ``histories`` histories."""

    def __init__(self, count: np.ndarray, histories: int) -> None:
        self._count, self._histories = count, histories
        # They fall, so the first 0 is found without reading them all.
        self._counted = len(count) - int(np.searchsorted(count[::-1], 1))

    def top(self, depth: int, left_out: FlatSequences | None = None) -> Answers:
        """See :class:`~rec_assets.core.strategies.answers.Scores`."""
        answers = Answers.empty(self._histories, depth)
        for history in range(self._histories):
            own = left_out.tracks_of(history) if left_out else ()
            rows = np.arange(min(depth + len(own), self._counted))
            rows = rows[~np.isin(rows, own)][:depth]
            answers.rows[history, : len(rows)] = rows
            answers.scores[history, : len(rows)] = self._count[rows]
        return answers

    def at(self, history: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """See :class:`~rec_assets.core.strategies.answers.Scores`."""
        return self._count[rows].astype(np.float32)


def fill_up(answers: Answers, popular: PopularScores, left_out: FlatSequences | None) -> Answers:
    """``answers`` with popular tracks in the places that are empty, in place and in their order."""
    short = (answers.rows == NO_TRACK).any(axis=1)
    if not short.any():
        return answers
    depth = answers.rows.shape[1]
    others = popular.top(depth, left_out).rows
    for history in np.flatnonzero(short):
        own = answers.rows[history]
        free = np.flatnonzero(own == NO_TRACK)
        extra = others[history][(others[history] != NO_TRACK) & ~np.isin(others[history], own)][: len(free)]
        own[free[: len(extra)]] = extra
    return answers
