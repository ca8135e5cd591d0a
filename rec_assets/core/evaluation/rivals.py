"""Whether another strategy finds more than one does, on the same held-out playlists, beyond chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rec_assets.core.evaluation.bootstrap import LEVEL, Interval, paired_difference_interval
from rec_assets.core.evaluation.comparison import TOP
from rec_assets.core.evaluation.metrics import hits
from rec_assets.core.recommender.settings import CONTENDERS

# An interval of a corrected level rests on the outermost few in a thousand of them.
_RESAMPLES = 20_000
# Of fewer playlists an interval says nothing: where all agree, it has no width.
_FEWEST = 20


@dataclass(frozen=True)
class Rival:
    """The best of the other strategies.

    Attributes:
        strategy: its label.
        k: tracks recommended.
        difference: its hit rate less that of the one it is held against.
        interval: of the difference. It holds for all others and every k together (Bonferroni): the best of many by
            the same playlists is better than it will be by others.
    """

    strategy: str
    k: int
    difference: float
    interval: Interval

    @property
    def is_better(self) -> bool:
        """Whether it finds more beyond chance."""
        return self.interval.low > 0

    def __str__(self) -> str:
        """Such as "item_knn, +0.0310 (+0.0218 to +0.0402)"."""
        return f"{self.strategy}, {self.difference:+.4f} ({self.interval.low:+.4f} to {self.interval.high:+.4f})"


def rivals_of(chosen: str, ranks: Mapping[str, np.ndarray], k: int) -> list[Rival]:
    """The best strategy beside the ``chosen`` one at ``k``, and at 10 where that is less; empty = no other.

    ``ranks`` is label to (n,) ranks of the same targets among ``k``.
    """
    return best_rivals(found_at(ranks, [k, TOP] if k > TOP else [k]), chosen)


def best_rivals(found: Mapping[str, Mapping[int, np.ndarray]], own: str) -> list[Rival]:
    """For each k the strategy beside ``own`` with the highest hit rate; empty where there is no other, or there are
    fewer than 20 playlists.

    ``found`` is label to k to (n,) what was found for the same n playlists: bool, or the share of several trials.
    """
    others = [label for label in found if label != own]
    is_told = others and all(len(hit) >= _FEWEST for hit in found[own].values())
    return [_rival(found, own, others, k) for k in found[own]] if is_told else []


def _rival(found: Mapping[str, Mapping[int, np.ndarray]], own: str, others: Sequence[str], k: int) -> Rival:
    best = max(others, key=lambda label: found[label][k].mean())
    level = 1 - (1 - LEVEL) / (len(others) * len(found[own]))
    interval = paired_difference_interval(found[best][k], found[own][k], level=level, resamples=_RESAMPLES)
    difference = float(found[best][k].mean() - found[own][k].mean())
    return Rival(best, k, difference, interval)


def found_at(ranks: Mapping[str, np.ndarray], cuts: Sequence[int]) -> dict[str, dict[int, np.ndarray]]:
    """What :func:`best_rivals` takes, of the ranks (n,) by label and the ``cuts`` k."""
    return {label: {k: hits(own, k=k) for k in cuts} for label, own in ranks.items()}


def in_words(chosen: str, rivals: Sequence[Rival]) -> str:
    """Which of the ``rivals`` find more than the ``chosen`` strategy beyond chance, and what to do; empty = none."""
    better = [rival for rival in rivals if rival.is_better]
    if not better:
        return ""
    found = " and ".join(
        f"{rival.strategy} finds {100 * rival.difference:.1f} points more of the held-out tracks among {rival.k} "
        f"({100 * rival.interval.low:.1f} to {100 * rival.interval.high:.1f})"
        for rival in better
    )
    asked = [contender.settings() for contender in CONTENDERS if contender.label in {one.strategy for one in better}]
    remedy = " or ".join(", ".join(f"`{name}: {value}`" for name, value in own.items()) for own in asked)
    return f"{found} than {chosen} does. Set {remedy} in the run config."


def best_other(rivals: Sequence[Rival]) -> dict[str, str]:
    """The ``rivals`` as metadata."""
    return {f"best_other_strategy_at_{rival.k}": str(rival) for rival in rivals}
