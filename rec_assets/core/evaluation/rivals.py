"""Whether another strategy finds more than one does, on the same held-out playlists, beyond chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rec_assets.core.evaluation.bootstrap import LEVEL, Interval, paired_difference_interval
from rec_assets.core.evaluation.metrics import hits

# An interval of a corrected level rests on the outermost few in a thousand of them.
_RESAMPLES = 20_000


@dataclass(frozen=True)
class Rival:
    """The best of the other strategies.

    Attributes:
        strategy: its label.
        k: tracks recommended.
        others: of how many it is the best.
        difference: its hit rate less that of the one it is held against.
        interval: of the difference. It holds for all others and every k together (Bonferroni): the best of many by
            the same playlists is better than it will be by others.
    """

    strategy: str
    k: int
    others: int
    difference: float
    interval: Interval

    @property
    def is_better(self) -> bool:
        """Whether it finds more beyond chance."""
        return self.interval.low > 0

    def __str__(self) -> str:
        """Such as "item_knn +0.0310 at 10 (+0.0218 to +0.0402)"."""
        low, high = self.interval.low, self.interval.high
        return f"{self.strategy} {self.difference:+.4f} at {self.k} ({low:+.4f} to {high:+.4f})"


def best_rivals(found: Mapping[str, Mapping[int, np.ndarray]], own: str) -> list[Rival]:
    """For each k the strategy beside ``own`` with the highest hit rate; empty where there is no other.

    ``found`` is label to k to (n,) what was found for the same n playlists: bool, or the share of several trials.
    """
    others = [label for label in found if label != own]
    return [_rival(found, own, others, k) for k in found[own]] if others else []


def _rival(found: Mapping[str, Mapping[int, np.ndarray]], own: str, others: Sequence[str], k: int) -> Rival:
    best = max(others, key=lambda label: found[label][k].mean())
    level = 1 - (1 - LEVEL) / (len(others) * len(found[own]))
    interval = paired_difference_interval(found[best][k], found[own][k], level=level, resamples=_RESAMPLES)
    difference = float(found[best][k].mean() - found[own][k].mean())
    return Rival(best, k, len(others), difference, interval)


def found_at(ranks: Mapping[str, np.ndarray], cuts: Sequence[int]) -> dict[str, dict[int, np.ndarray]]:
    """What :func:`best_rivals` takes, of the ranks (n,) by label and the ``cuts`` k."""
    return {label: {k: hits(own, k=k) for k in cuts} for label, own in ranks.items()}
