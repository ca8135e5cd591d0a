"""What is recommended at all: how many tracks, how often the same ones, how popular ones.

Everything is counted from ``recommended``: (t,) int, for each track that can be recommended the number of
playlists among whose first k answers it stands.
"""

import math
from fractions import Fraction

import numpy as np


def catalog_coverage(recommended: np.ndarray) -> float:
    """Share (0..1) of the tracks that are recommended to anybody.

    Ge, Delgado-Battenfeld & Jannach, "Beyond accuracy: evaluating recommender systems by coverage and
    serendipity" (2010). It grows with k and with the number of playlists: compare it at the same ones only.

    Args:
        recommended: (t,) in how many playlists' answers each track stands.

    Raises:
        ValueError: nothing is recommended, or a count is below 0.
    """
    _refuse_unusable(recommended)
    return float(np.count_nonzero(recommended) / len(recommended))


def greatest_share(recommended: np.ndarray, *, playlists: int) -> float:
    """Share (0..1) of the playlists to which the most recommended track is recommended.

    Args:
        recommended: (t,) in how many playlists' answers each track stands.
        playlists: how many there are.

    Raises:
        ValueError: nothing is recommended, a count is below 0, or a track stands in more answers than there are
            playlists.
    """
    _refuse_unusable(recommended)
    most = int(recommended.max())
    if most > playlists:
        raise ValueError(f"a track is recommended to {most} of {playlists} playlists; expected at most once to each")
    return most / playlists


def median_popularity(recommended: np.ndarray, popularity: np.ndarray) -> int:
    """Median training count over all recommendations made; of an even number, the lower of the middle two.

    Args:
        recommended: (t,) in how many playlists' answers each track stands.
        popularity: (t,) int, how often each track occurs in training.

    Raises:
        ValueError: nothing is recommended, a count is below 0, or the lengths differ.
    """
    _refuse_unusable(recommended, popularity)
    rising = np.argsort(popularity)
    up_to = np.cumsum(recommended[rising])
    return int(popularity[rising[np.searchsorted(2 * up_to, up_to[-1])]])


def tail_share(recommended: np.ndarray, popularity: np.ndarray, *, head_share: float = 0.2) -> float:
    """Share (0..1) of all recommendations made that go to tracks outside the head.

    With as many answers for every playlist this is the "average percentage of long tail items" of Abdollahpouri,
    Burke & Mobasher, "Managing popularity bias in recommender systems with personalized re-ranking" (2019).

    Args:
        recommended: (t,) in how many playlists' answers each track stands.
        popularity: (t,) int, how often each track occurs in training.
        head_share: the head is this share (between 0 and 1) of the tracks, rounded up, most popular first; of
            equally popular tracks those that stand first.

    Raises:
        ValueError: nothing is recommended, a count is below 0, the lengths differ, or ``head_share`` is out of bounds.
    """
    _refuse_unusable(recommended, popularity)
    if not 0 < head_share < 1:
        raise ValueError(f"head_share is {head_share}; expected a share between 0 and 1, such as 0.2")
    # As the decimal that was typed: in binary, 0.07 of 100 tracks is a little above 7.
    head_size = math.ceil(Fraction(str(head_share)) * len(popularity))
    head = np.argsort(-popularity, kind="stable")[:head_size]
    total = int(recommended.sum())
    return (total - int(recommended[head].sum())) / total


def _refuse_unusable(recommended: np.ndarray, popularity: np.ndarray | None = None) -> None:
    if popularity is not None and len(popularity) != len(recommended):
        raise ValueError(f"counts of {len(recommended)} tracks, popularity of {len(popularity)}; expected the same")
    negative = np.flatnonzero(recommended < 0)
    if len(negative):
        raise ValueError(f"track {negative[0]} is recommended {recommended[negative[0]]} times; expected at least 0")
    if not recommended.any():
        raise ValueError(f"nothing is recommended: the counts of all {len(recommended)} tracks are 0")
