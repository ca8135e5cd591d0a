"""What is asked in Python, as text, or what is wrong with it."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from rec_assets.core.promoted.recommendations import MOST_TRACKS

_PAIRS = 'expected (artist, track) pairs, such as [("Artist", "Track")], with "" for an artist that there is not'


def playlist_of(playlist: Iterable[Any], title: str) -> list[tuple[str, str]]:
    """The pairs of a playlist, in order. Raises TypeError, ValueError, this also if it and ``title`` are empty."""
    if isinstance(playlist, set | frozenset):
        raise TypeError(f"the playlist is {playlist!r}, which has no order; {_PAIRS}.")
    pairs = _listed(playlist, "the playlist")
    if not (pairs or title):
        raise ValueError(f"no track is asked for; {_PAIRS}, or a title.")
    return pairs_of(pairs)


def _listed(pairs: Iterable[Any], named: str) -> list[Any]:
    """Raises TypeError: what can be iterated would not give pairs."""
    if isinstance(pairs, str) or not isinstance(pairs, Iterable):
        raise TypeError(f"{named} is {pairs!r}; {_PAIRS}.")
    if hasattr(pairs, "itertuples"):
        columns = 'list(df[["artist", "track"]].itertuples(index=False, name=None))'
        raise TypeError(f"{named} is a DataFrame; {_PAIRS}: {columns}.")
    return list(pairs)


def pairs_of(pairs: Iterable[Any], argument: str = "") -> list[tuple[str, str]]:
    """The pairs as text, "" for what is missing. Raises TypeError, ValueError, which name the ``argument``."""
    of, pairs = f"{argument}: " if argument else "", _listed(pairs, argument)
    for place, pair in enumerate(pairs):
        if not isinstance(pair, list | tuple | np.ndarray) or len(pair) != 2:
            raise TypeError(f"{of}track {place + 1} is {pair!r}; {_PAIRS}.")
    named = [(text_of(artist), text_of(title)) for artist, title in pairs]
    unnamed = [place for place, pair in enumerate(named, 1) if not any(text.strip() for text in pair)]
    if unnamed:
        raise ValueError(f"{of}track {unnamed[0]} has neither artist nor title; name at least one of both.")
    return named


def names_of(artists: Iterable[Any], argument: str) -> list[str]:
    """The names as text, "" for what is missing. Raises TypeError: a text alone would be a list of its letters."""
    if isinstance(artists, str):
        raise TypeError(f'{argument} is {artists!r}; expected a list of artists, such as ["Artist"].')
    return [text_of(artist) for artist in artists]


def text_of(name: Any) -> str:
    """A name as text, "" where it is missing; DataFrames have item numbers as numbers."""
    import pandas as pd

    return "" if pd.isna(name) else str(name)


def require_count(name: str, count: Any) -> None:
    """Raises ValueError unless ``count`` is a number of tracks."""
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or not 1 <= count <= MOST_TRACKS:
        raise ValueError(f"{name} is {count!r}; expected a whole number from 1 to {MOST_TRACKS:,}.")
