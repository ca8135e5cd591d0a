"""What a strategy answers: the best tracks of each history, and how the best of many scores are found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences

NO_TRACK = -1


@dataclass(frozen=True)
class Answers:
    """The best tracks of ``m`` histories, best first.

    Attributes:
        rows: (m, depth) int32 rows of :class:`Tracks`; ``NO_TRACK`` where there are no more.
        scores: (m, depth) float32, falling; meaningless where there is no track.
    """

    rows: np.ndarray
    scores: np.ndarray

    @classmethod
    def empty(cls, histories: int, depth: int) -> "Answers":
        """No track at all."""
        return cls(np.full((histories, depth), NO_TRACK, np.int32), np.full((histories, depth), -np.inf, np.float32))

    @classmethod
    def joined(cls, parts: Sequence["Answers"]) -> "Answers":
        """The answers of one or more ``parts``, one after the other."""
        return cls(np.concatenate([part.rows for part in parts]), np.concatenate([part.scores for part in parts]))

    def rank_of(self, targets: np.ndarray) -> np.ndarray:
        """(m,) int32 place of each of ``targets`` (m,), 1 = best; 0 where it is not among the answers."""
        hits = (self.rows == targets[:, None]) & (self.rows != NO_TRACK)
        return np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, 0).astype(np.int32)


class Scores(Protocol):
    """The scores of all tracks for a batch of ``m`` histories, however they are held; higher is better."""

    def top(self, depth: int, left_out: FlatSequences | None = None) -> Answers:
        """The ``depth`` best tracks of each history, ties by the lowest row, without the rows of ``left_out``."""
        ...

    def at(self, history: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """(c,) float32 score of each of ``rows`` (c,) for the history (c,) beside it."""
        ...


class Strategy(Protocol):
    """A way to score tracks that may follow a history, fitted on training playlists."""

    batch: int

    def arrays(self) -> dict[str, np.ndarray]:
        """All that was fitted, by name; ``from_arrays`` of the class makes the strategy of them again."""
        ...

    def score(self, histories: FlatSequences) -> Scores:
        """Scores for up to ``batch`` histories of rows, each of at least one track."""
        ...
