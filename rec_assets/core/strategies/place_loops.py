"""Loops that tell the place of a track in a history, or among its candidates, compiled."""

import numpy as np

from rec_assets.core.base.compiled import compiled


@compiled
def table_for(starts: np.ndarray) -> np.ndarray:
    """(2^x, 2) int32 room for the tracks of each history in turn, see :func:`write_places`.

    At most a sixteenth is full, so that nearly every track is told at first sight: a processor that has to look twice
    has guessed wrong.
    """
    room = 2
    for history in range(len(starts) - 1):
        while room < 16 * (starts[history + 1] - starts[history]):
            room *= 2
    return np.empty((room, 2), np.int32)


@compiled
def _slot_of(table: np.ndarray, track: int) -> int:
    """Where a track stands in an open hash table, or may be put (Knuth, TAOCP volume 3, 6.4: multiplicative)."""
    slot = ((track * 2_654_435_769) & 0xFFFF_FFFF) * len(table) >> 32
    while table[slot, 0] != track and table[slot, 0] >= 0:
        slot = (slot + 1) & (len(table) - 1)
    return slot


@compiled
def write_places(rows: np.ndarray, table: np.ndarray) -> None:
    """Makes ``table`` tell the place of each of the ``rows`` (r,) int32, of equal ones that of the last.

    None is below 0, and there are fewer than ``table`` has room for.
    """
    table[:] = -1
    for place in range(len(rows)):
        slot = _slot_of(table, rows[place])
        table[slot, 0], table[slot, 1] = rows[place], place


@compiled
def count_distinct(rows: np.ndarray, table: np.ndarray) -> int:
    """How many of the ``rows`` (r,) int32 differ; then ``table`` tells their places, as by :func:`write_places`."""
    write_places(rows, table)
    count = 0
    for place in range(len(rows)):
        count += place_of(table, rows[place]) == place
    return count


@compiled
def place_of(table: np.ndarray, track: int) -> int:
    """The place of a track; -1 = none."""
    return table[_slot_of(table, track), 1]
