"""Fingerprints of normalised names: a key that equal names share, and a signature that near names nearly share."""

from collections.abc import Sequence

import numpy as np

from rec_assets.core.names.likeness import BETWEEN

_SPACE = 32
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd: a step of the polynomial loses no bit
_MIX = np.uint64(0xBF58476D1CE4E5B9)


def fingerprints(normal: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Keys (n,) uint64 and signatures (n,) uint64 of ``n`` normalised texts.

    The key is a hash of the text without its spaces. The signature has one of 64 bits set for every two
    characters that follow each other, including the ends of words: one typo changes at most six bits, and the
    order of words changes none.
    """
    if not normal:
        return np.empty(0, np.uint64), np.empty(0, np.uint64)
    codes = _codes(BETWEEN.join(normal) + BETWEEN)
    ends = np.flatnonzero(codes == ord(BETWEEN))
    starts = np.concatenate([[0], ends[:-1] + 1])
    codes[ends] = _SPACE
    return _keys(codes, starts), _signatures(codes, starts)


def _keys(codes: np.ndarray, starts: np.ndarray) -> np.ndarray:
    is_inked = codes != _SPACE
    before = np.cumsum(is_inked) - is_inked
    lengths = np.diff(np.append(starts, len(codes)))
    place = before - np.repeat(before[starts], lengths)
    powers = np.multiply.accumulate(np.full(int(place.max()) + 1, _FACTOR))
    # The code plus one, so that a NUL counts too.
    return _mixed(
        np.add.reduceat(np.where(is_inked, _mixed(codes + np.uint64(1)) * powers[place], np.uint64(0)), starts)
    )


def signature_of_parts(words: Sequence[str]) -> np.uint64:
    """The bits that a signature of :func:`fingerprints` has if each of the ``words`` stands somewhere in its text."""
    pairs = [_bits(own[:-1], own[1:]) for own in map(_codes, words)]
    return np.bitwise_or.reduce(np.concatenate([np.empty(0, np.uint64), *pairs]))


def _signatures(codes: np.ndarray, starts: np.ndarray) -> np.ndarray:
    before = np.concatenate([[np.uint64(_SPACE)], codes[:-1]])
    is_pair = (before != _SPACE) | (codes != _SPACE)
    return np.bitwise_or.reduceat(np.where(is_pair, _bits(before, codes), np.uint64(0)), starts)


def _bits(before: np.ndarray, codes: np.ndarray) -> np.ndarray:
    return np.uint64(1) << (_mixed(before * _FACTOR + codes) >> np.uint64(58))


def _codes(text: str) -> np.ndarray:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32).astype(np.uint64)


def _mixed(values: np.ndarray) -> np.ndarray:
    values = (values ^ (values >> np.uint64(31))) * _MIX
    return values ^ (values >> np.uint64(29))


def unlikeness(signatures: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """(n,) uint8, 0..64: in how many bits each of the ``signatures`` (n,) differs from the ``asked`` one."""
    return np.bitwise_count(signatures ^ asked)


def incompleteness(signatures: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """(n,) uint8, 0..192: as :func:`unlikeness`, a bit that is missing counting three times one that is too many."""
    missing = np.bitwise_count(asked & ~signatures)
    return unlikeness(signatures, asked) + missing + missing


def smallest(costs: np.ndarray, most: int) -> np.ndarray:
    """(≤ most,) places of the smallest ``costs`` (n,) uint8, rising; among equals those that come first."""
    if len(costs) <= most:
        return np.arange(len(costs))
    # Counting what is below a bound takes a twentieth of the time of numpy's partition.
    low, high = 0, 255
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if np.count_nonzero(costs <= middle) >= most else (middle + 1, high)
    below = np.flatnonzero(costs < low)
    return np.sort(np.concatenate([below, np.flatnonzero(costs == low)[: most - len(below)]]))
