"""Hit rate by kind of playlist: where the recommender works, and where it no longer does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rec_assets.core.evaluation.bootstrap import hit_rate_interval
from rec_assets.core.evaluation.metrics import hit_rate

# First and last number of each class. Fixed and round, so that runs can be compared; 0 is a track that never occurs
# in training.
NO_END = np.iinfo(np.int64).max
TARGET_POPULARITY = {"cold": (0, 0), "1–2": (1, 2), "3–9": (3, 9), "10–99": (10, 99), "100+": (100, NO_END)}
PLAYLIST_LENGTH = {"up to 5": (2, 5), "6–20": (6, 20), "21–50": (21, 50), "51–100": (51, 100), "101+": (101, NO_END)}
QUERY = {"cold": (1, 1), "warm": (0, 0)}
ARTIST = {"in the history": (1, 1), "new": (0, 0), "unknown": (-1, -1)}


@dataclass(frozen=True)
class SliceRate:
    """Hit rate (0..1) of the playlists whose ``slice`` (such as "query") is ``value`` ("cold"), with its interval."""

    slice: str
    value: str
    playlists: int
    hit_rate: float
    low: float
    high: float


def slice_rates(columns: Mapping[str, np.ndarray], *, k: int) -> list[SliceRate]:
    """Hit rate at ``k`` by popularity of the target, length of the playlist, query and artist, in a fixed order.

    ``columns`` are those of :func:`~rec_assets.core.evaluation.figures.rank_arrays`. The slices of one kind hold every
    playlist once; those without playlists are left out, and so is "artist" where none is known.
    """
    ranks, rates = columns["rank"], []
    for name, value, inside in _slices(columns):
        interval = hit_rate_interval(ranks[inside], k=k)
        rate = hit_rate(ranks[inside], k=k)
        rates.append(SliceRate(name, value, int(inside.sum()), rate, interval.low, interval.high))
    return rates


def collapsed_slices(
    before: Sequence[SliceRate], now: Sequence[SliceRate], *, max_fall: float, min_playlists: int
) -> list[str]:
    """Slices whose hit rate fell by more than ``max_fall`` (0..1) and whose intervals do not overlap, with figures.

    Two intervals at 95 % miss each other by a fall of pure chance in about 3 of 1,000 cases; fifteen slices in
    about 4 of 100. A slice of fewer than ``min_playlists``, before or now, is not judged.
    """
    earlier = {(rate.slice, rate.value): rate for rate in before}
    pairs = [(earlier[key], rate) for rate in now if (key := (rate.slice, rate.value)) in earlier]
    return [
        f"{rate.slice} {rate.value}: {was.hit_rate:.3f} (of {was.playlists} playlists) before, "
        f"{rate.hit_rate:.3f} (of {rate.playlists}) now"
        for was, rate in pairs
        if min(was.playlists, rate.playlists) >= min_playlists
        # Rounded, since in binary 0.4 - 0.3 is more than 0.1.
        and round(was.hit_rate - rate.hit_rate, 12) > max_fall
        and rate.high < was.low
    ]


def _slices(columns: Mapping[str, np.ndarray]) -> Iterator[tuple[str, str, np.ndarray]]:
    """Kind, class and (n,) bool which playlists are of it, of the slices that have playlists."""
    length = columns["history_length"].astype(np.int64) + 1
    for name, values, classes in (
        ("target popularity", columns["target_count"], TARGET_POPULARITY),
        ("playlist length", length, PLAYLIST_LENGTH),
        ("query", columns["query_is_cold"], QUERY),
        ("artist", columns["same_artist"], ARTIST),
    ):
        if name == "artist" and (values == -1).all():
            continue
        members = {value: (values >= first) & (values <= last) for value, (first, last) in classes.items()}
        yield from ((name, value, inside) for value, inside in members.items() if inside.any())
