"""Hit rate by kind of playlist: where the recommender works, and where it no longer does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rec_assets.core.evaluation.metrics import hit_rate, hit_rate_interval
from rec_assets.core.evaluation.metrics.bootstrap import LEVEL, RESAMPLES, SEED

COLUMNS = ("rank", "history_length", "target_count", "query_is_cold", "same_artist")

# First and last number of each class. Fixed and round, so that runs can be compared; 0 is a track that never occurs
# in training.
NO_END = np.iinfo(np.int64).max
TARGET_POPULARITY = {"cold": (0, 0), "1–2": (1, 2), "3–9": (3, 9), "10–99": (10, 99), "100+": (100, NO_END)}
PLAYLIST_LENGTH = {"up to 5": (2, 5), "6–20": (6, 20), "21–50": (21, 50), "51–100": (51, 100), "101+": (101, NO_END)}
QUERY = {"cold": (1, 1), "warm": (0, 0)}
ARTIST = {"in the history": (1, 1), "new": (0, 0), "unknown": (-1, -1)}


@dataclass(frozen=True)
class SliceRate:
    """Hit rate of the playlists whose ``slice`` (such as "query") is ``value`` (such as "cold").

    Attributes:
        slice: what the playlists are told apart by.
        value: which of its classes.
        playlists: how many, at least 1.
        hit_rate: share (0..1) of them with a hit.
        low: lower end of the interval of the hit rate.
        high: upper end.
    """

    slice: str
    value: str
    playlists: int
    hit_rate: float
    low: float
    high: float


@dataclass(frozen=True)
class Collapse:
    """A slice whose hit rate fell: its figures before and now."""

    before: SliceRate
    now: SliceRate

    def __str__(self) -> str:
        """Slice and both figures, such as "query cold: 0.310 (of 120 playlists) before, 0.100 (of 130) now"."""
        return (
            f"{self.now.slice} {self.now.value}: {self.before.hit_rate:.3f} (of {self.before.playlists} playlists) "
            f"before, {self.now.hit_rate:.3f} (of {self.now.playlists}) now"
        )


def slice_rates(
    columns: Mapping[str, np.ndarray], *, k: int, level: float = LEVEL, resamples: int = RESAMPLES, seed: int = SEED
) -> list[SliceRate]:
    """Hit rate at ``k`` by popularity of the target, length of the playlist, query and artist, in a fixed order.

    The slices of one kind hold every playlist once; those without playlists are left out.

    Args:
        columns: of n playlists each:
            ``rank`` int, 1 = best, 0 = not found;
            ``history_length`` int, tracks before the target, at least 1;
            ``target_count`` int, how often the target occurs in training, 0 = cold;
            ``query_is_cold`` bool, the query track has no vector;
            ``same_artist`` int, 1 if the target's artist is among those of the history, 0 if not, -1 if unknown.
        k: how many tracks are recommended, at least 1.
        level: of the intervals, by :func:`~rec_assets.core.evaluation.metrics.hit_rate_interval`; so are the next two.
        resamples: of each slice.
        seed: of each slice, so that its interval does not depend on what other slices there are.

    Raises:
        ValueError: a column is missing, is of another length than ``rank``, or has a value outside all slices; or
            there are no playlists; or see :func:`~rec_assets.core.evaluation.metrics.hit_rate_interval`.
    """
    _refuse_unequal(columns)
    ranks, rates = columns["rank"], []
    for name, value, inside in _slices(columns):
        interval = hit_rate_interval(ranks[inside], k=k, level=level, resamples=resamples, seed=seed)
        rate = hit_rate(ranks[inside], k=k)
        rates.append(SliceRate(name, value, int(inside.sum()), rate, interval.low, interval.high))
    return rates


def collapsed_slices(
    before: Sequence[SliceRate], now: Sequence[SliceRate], *, max_fall: float, min_playlists: int
) -> list[Collapse]:
    """Slices whose hit rate fell by more than ``max_fall`` and whose intervals do not overlap, in the order of ``now``.

    Two intervals at 95 % miss each other by a fall of pure chance in about 3 of 1,000 cases; fifteen slices in
    about 4 of 100. A slice that only one of the runs has is not judged.

    Args:
        before: of the earlier run, at the same ``k`` and ``level``.
        now: of this run.
        max_fall: how much a hit rate may fall, as a difference (0..1).
        min_playlists: a slice of fewer, before or now, is not judged.
    """
    earlier = {(rate.slice, rate.value): rate for rate in before}
    pairs = [(earlier[key], rate) for rate in now if (key := (rate.slice, rate.value)) in earlier]
    return [
        Collapse(was, rate)
        for was, rate in pairs
        if min(was.playlists, rate.playlists) >= min_playlists
        # Rounded, since in binary 0.4 - 0.3 is more than 0.1.
        and round(was.hit_rate - rate.hit_rate, 12) > max_fall
        and rate.high < was.low
    ]


def _slices(columns: Mapping[str, np.ndarray]) -> Iterator[tuple[str, str, np.ndarray]]:
    """Kind, class and (n,) bool which playlists are of it, of the slices that have playlists."""
    length = columns["history_length"].astype(np.int64) + 1
    for name, column, values, classes in (
        ("target popularity", "target_count", columns["target_count"], TARGET_POPULARITY),
        ("playlist length", "history_length", length, PLAYLIST_LENGTH),
        ("query", "query_is_cold", columns["query_is_cold"], QUERY),
        ("artist", "same_artist", columns["same_artist"], ARTIST),
    ):
        members = {value: (values >= first) & (values <= last) for value, (first, last) in classes.items()}
        outside = np.flatnonzero(~np.logical_or.reduce(list(members.values())))
        if len(outside):
            raise ValueError(f"{column} of playlist {outside[0]} is {columns[column][outside[0]]}: in no slice")
        yield from ((name, value, inside) for value, inside in members.items() if inside.any())


def _refuse_unequal(columns: Mapping[str, np.ndarray]) -> None:
    missing = [name for name in COLUMNS if name not in columns]
    if missing:
        raise ValueError(f"no column {' and '.join(missing)}; expected {', '.join(COLUMNS)}")
    lengths = {name: len(columns[name]) for name in COLUMNS}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"columns of several lengths, {lengths}; expected one entry per playlist in each")
    if lengths["rank"] == 0:
        raise ValueError("the hit rates of no playlists are undefined")
