"""Loops that count what stands near a track, in the nearest playlists or in all; as :mod:`.best_loops`, compiled."""

import numpy as np

from rec_assets.core.base.compiled import compiled
from rec_assets.core.strategies.best_loops import Rows, copy, keep_best
from rec_assets.core.strategies.place_loops import place_of, table_for, write_places
from rec_assets.core.strategies.sparse_loops import added_up, room_for


@compiled
def near_shared(heard: Rows, nearest: Rows, playlists: Rows, fading: tuple[float, float], width: int) -> Rows:
    """The tracks of the playlists ``nearest`` to each history, by how near they stand to those ``heard`` in it.

    A track that both hold gives its weight to every other one of the playlist: times the first of ``fading`` for each
    step between them, over the playlist's length to the power of the second, times the value of the track in
    ``playlists``. A history may have a track twice. The columns of each row ascend.
    """
    rows = len(heard[0]) - 1
    room, largest, longest = 0, 0, 0
    for row in range(rows):
        met = 0
        for playlist in nearest[1][nearest[0][row] : nearest[0][row + 1]]:
            length = playlists[0][playlist + 1] - playlists[0][playlist]
            met += length
            longest = max(longest, length)
        room, largest = room + met, max(largest, met)
    entries, spare = room_for(largest), room_for(largest)
    columns, values = room_for(room)
    starts = np.zeros(rows + 1, np.int64)
    shared, near, behind = (np.empty(longest, np.float32), np.empty(longest, np.float32), np.empty(longest, np.float32))
    table, weights = table_for(heard[0]), np.empty(len(heard[1]), np.float32)
    for row in range(rows):
        own = slice(heard[0][row], heard[0][row + 1])
        write_places(heard[1][own], table)
        weights[: own.stop - own.start] = 0
        for entry in range(own.start, own.stop):
            weights[place_of(table, heard[1][entry])] += heard[2][entry]
        count = np.int64(0)
        for playlist in nearest[1][nearest[0][row] : nearest[0][row + 1]]:
            held = slice(playlists[0][playlist], playlists[0][playlist + 1])
            length = held.stop - held.start
            for place, track in enumerate(playlists[1][held]):
                known = place_of(table, track)
                shared[place] = weights[known] if known >= 0 else 0
            _spread(shared, length, np.float32(fading[0]), near, behind)
            damping = np.float32(length ** -fading[1])
            for place in range(length):
                if near[place] > 0:
                    entries[0][count] = playlists[1][held.start + place]
                    entries[1][count] = near[place] * damping * playlists[2][held.start + place]
                    count += 1
        found, sums = added_up(entries, spare, count, width)
        starts[row + 1] = starts[row] + len(found)
        copy(found, columns[starts[row] :])
        copy(sums, values[starts[row] :])
    return starts, columns[: starts[-1]], values[: starts[-1]]


@compiled
def _spread(weights: np.ndarray, length: int, fading: float, near: np.ndarray, behind: np.ndarray) -> None:
    """Writes in ``near`` what the ``weights`` of all other places come to, each times ``fading`` per step away.

    ``behind`` is room for the weights that come after: both directions at once, as each step waits for the one before.
    """
    passed, coming = np.float32(0), np.float32(0)
    for place in range(length):
        near[place], behind[length - 1 - place] = passed, coming
        passed = (passed + weights[place]) * fading
        coming = (coming + weights[length - 1 - place]) * fading
    for place in range(length):
        near[place] += behind[place]


@compiled
def near(
    wanted: np.ndarray,
    occurrences: tuple[np.ndarray, np.ndarray, int],
    sequences: tuple[np.ndarray, np.ndarray],
    weights: tuple[np.ndarray, int],
    scale: np.ndarray,
    most: int,
) -> Rows:
    """What is near each of the tracks ``wanted`` (w,), of which each keeps the ``most`` highest values.

    Args:
        wanted: (w,) int32 tracks.
        occurrences: where the places of each track begin, and (p,) its places in the values of the sequences, from the
            track of the number on.
        sequences: (m,) int32 tracks, sequence after sequence, and (m,) whether one begins there.
        weights: what a track counts by its distance, and which of them is the distance 0.
        scale: (t,) factor of each track.
        most: see above.
    """
    starts, places, first_track = occurrences
    by_distance, middle = weights
    room, largest = 0, 0
    for track in wanted:
        listed = starts[track - first_track + 1] - starts[track - first_track]
        room += min(listed * (len(by_distance) - 1), len(scale), most)
        largest = max(largest, listed * len(by_distance))
    entries, spare = room_for(largest), room_for(largest)
    columns, values, ends = np.empty(room, np.int32), np.empty(room, np.float32), np.zeros(len(wanted) + 1, np.int64)
    for number, track in enumerate(wanted):
        own = places[starts[track - first_track] : starts[track - first_track + 1]]
        count = np.int64(0)
        for place in own:
            first, last = _reach(sequences[1], place, middle, len(by_distance) - 1 - middle)
            for other in range(first, last):
                weight, column = by_distance[other - place + middle], sequences[0][other]
                if weight != 0 and column != track:
                    entries[0][count], entries[1][count] = column, weight
                    count += 1
        near_columns, sums = added_up(entries, spare, count, len(scale))
        for place in range(len(sums)):
            sums[place] = np.float32(sums[place] * scale[track] * scale[near_columns[place]])
        start = ends[number]
        ends[number + 1] = start + keep_best((near_columns, sums), (columns[start:], values[start:]), most)
    return ends, columns[: ends[-1]], values[: ends[-1]]


@compiled
def _reach(begins: np.ndarray, place: int, before: int, after: int) -> tuple[int, int]:
    """The part of a sequence that is at most so many steps ``before`` and ``after`` a ``place``."""
    first, last = place, place + 1
    while first > place - before and not begins[first]:
        first -= 1
    while last < len(begins) and last <= place + after and not begins[last]:
        last += 1
    return first, last
