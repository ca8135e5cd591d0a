"""What is fixed before the first row: sizes, playlists, their owners and lengths, and the awkward rows."""

import zlib
from dataclasses import dataclass
from hashlib import md5

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

# The public file's sizes. Playlists and users grow more slowly than rows, so that a small file still has
# thousands of (shorter) playlists; scenes, and with them artists and tracks, grow almost with the rows.
FULL_ROWS, FULL_USERS, FULL_PLAYLISTS, GROWTH = 12_900_000, 16_000, 232_000, 0.736
FULL_SCENES, SCENE_GROWTH = 2_700, 0.9
MAX_PLAYLIST_ROWS = 40_000
STARRED_SHARE = 0.10  # of the rows

# Awkward rows as in the public file: share of the rows, and the fewest in any file.
AWKWARD = {
    "no_artist": (0.0026, 20),
    "no_track": (0.00001, 10),
    "neither": (0.000001, 3),
    "no_playlist": (0.0001, 8),
    "no_user": (0.000001, 2),
    "broken": (0.000002, 4),
}


@dataclass(frozen=True)
class Habits:
    """How a playlist goes on: the chance (0..1) at each row of another scene, another artist, and the tail."""

    scene_change: float = 0.2
    artist_change: float = 0.55
    tail: float = 0.05


@dataclass(frozen=True)
class Plan:
    """One seed's playlists, and the rows that come out awkward."""

    seed: int
    scenes: int
    user_ids: list[str]
    owners: Ints  # (playlists,) index of the user; a user's playlists are neighbours
    numbers: Ints  # (playlists,) 0, 1, 2, ... within the user
    starred: NDArray[np.bool_]  # (playlists,)
    starts: Ints  # (playlists + 1,) first row of each playlist, and the number of rows
    awkward: dict[str, Ints]  # kind -> rows
    habits: Habits = Habits()

    def uniform(self, purpose: str, *keys: Ints) -> NDArray[np.float64]:
        """:func:`uniform` with the seed of this plan."""
        return uniform(self.seed, purpose, *keys)


def uniform(seed: int, purpose: str, *keys: Ints) -> NDArray[np.float64]:
    """One number in [0, 1) for each of the ``keys``, the same each time."""
    state = np.full(1, (seed << 32) ^ zlib.crc32(purpose.encode()), dtype=np.uint64)
    for key in keys:  # splitmix64: uint64 arrays wrap around, which is meant
        state = (state ^ key.astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53


def floor(values: NDArray[np.float64]) -> Ints:
    """The whole parts, as indices."""
    return values.astype(np.int64)


def make_plan(rows: int, seed: int) -> Plan:
    """The plan for ``rows`` rows."""
    owners = _owners(rows, seed)
    numbers = np.arange(len(owners)) - np.searchsorted(owners, owners)
    starred = (numbers == 0) & (uniform(seed, "starred", owners) < 0.6)
    lengths = _playlist_lengths(rows, seed, starred)
    return Plan(
        seed=seed,
        scenes=max(4, round(FULL_SCENES * (rows / FULL_ROWS) ** SCENE_GROWTH)),
        user_ids=[md5(f"{seed}:{user}".encode(), usedforsecurity=False).hexdigest() for user in range(owners[-1] + 1)],
        owners=owners,
        numbers=numbers,
        starred=starred,
        starts=np.concatenate([[0], np.cumsum(lengths)]),
        awkward=_awkward_rows(rows, seed),
    )


def _owners(rows: int, seed: int) -> Ints:
    growth = (rows / FULL_ROWS) ** GROWTH
    users, playlists = max(2, round(FULL_USERS * growth)), max(4, round(FULL_PLAYLISTS * growth))
    user, extra = np.arange(users), np.arange(playlists - users)  # each user has one playlist
    eager = np.argsort(uniform(seed, "eager", user), kind="stable")  # a few users own most of the others
    return np.sort(np.concatenate([user, eager[floor(users * uniform(seed, "owner", extra) ** 1.6)]]))


def _awkward_rows(rows: int, seed: int) -> dict[str, Ints]:
    return {
        kind: np.unique(floor(rows * uniform(seed, kind, np.arange(max(fewest, round(share * rows))))))
        for kind, (share, fewest) in AWKWARD.items()
    }


def _playlist_lengths(rows: int, seed: int, starred: NDArray[np.bool_]) -> Ints:
    """Log-logistic lengths (mean about twice the median) that add up to ``rows``, each at least 1."""
    draws = uniform(seed, "length", np.arange(len(starred)))
    weights = np.minimum((draws / (1 - draws)) ** (1 / 1.6), 200.0)
    for group, share in ((starred, STARRED_SHARE), (~starred, 1 - STARRED_SHARE)):
        weights[group] *= share * rows / max(weights[group].sum(), 1.0)
    lengths = np.clip(np.rint(weights), 1, MAX_PLAYLIST_ROWS).astype(np.int64)
    while difference := rows - int(lengths.sum()):  # rounding: one row more or less for the longest ones
        longest = np.argsort(-lengths, kind="stable")[: abs(difference)]
        lengths[longest] += np.sign(difference)
    return lengths
