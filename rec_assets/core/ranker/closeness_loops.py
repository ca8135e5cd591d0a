"""Loops behind :mod:`.closeness`, compiled.

Candidates are (m + 1,) where those of each history begin, and (c,) rows, ascending within a history.
"""

import numpy as np

from rec_assets.core.base.compiled import compiled
from rec_assets.core.strategies.best_loops import Rows, copy
from rec_assets.core.strategies.place_loops import place_of, table_for, write_places
from rec_assets.core.strategies.product_loops import multiply

# How fast the weight of a shared track fades by steps: e to the -1/3 is "close", 0.3 is "right beside".
_CLOSE, _RIGHT = np.float32(0.7165), np.float32(0.3)
_FAR = np.float32(1_000)


@compiled
def average(starts: np.ndarray, columns: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """(width,) float32 mean logarithm of the length of the rows that hold a column, and its mean place there (0..1)."""
    lengths, places, counts = np.zeros(width), np.zeros(width), np.zeros(width, np.int64)
    for row in range(len(starts) - 1):
        length = starts[row + 1] - starts[row]
        for place in range(length):
            column = columns[starts[row] + place]
            lengths[column] += np.log(length)
            places[column] += place / max(length - 1, 1)
            counts[column] += 1
    return (lengths / counts).astype(np.float32), (places / counts).astype(np.float32)


@compiled
def compare_vectors(
    histories: tuple[np.ndarray, np.ndarray],
    candidates: tuple[np.ndarray, np.ndarray],
    tables: tuple[np.ndarray, np.ndarray, np.ndarray],
    latest: int,
    features: np.ndarray,
) -> None:
    """Writes the highest, mean and last product of input vectors of the history and the output vector, in (c, 3).

    Of the ``latest`` tracks of each history, but the candidate itself; NaN where one has no vector. ``tables`` are
    input vectors, output vectors and (t,) the place of a track in both, below 0 = none.
    """
    inputs, outputs, place = tables
    heard, tracks = np.empty((latest, inputs.shape[1]), np.float32), np.empty(latest, np.int32)
    products = np.empty(latest, np.float32)
    features[:] = np.nan
    for asked in range(len(histories[1]) - 1):
        end, known = histories[1][asked + 1], np.int64(0)
        for track in histories[0][max(histories[1][asked], end - latest) : end]:
            if 0 <= place[track] < len(outputs):
                copy(inputs[place[track]], heard[known])
                tracks[known] = track
                known += 1
        last = histories[0][end - 1]
        for number in range(candidates[0][asked], candidates[0][asked + 1]):
            own = candidates[1][number]
            if 0 <= place[own] < len(outputs):
                multiply(outputs, place[own], heard, 0, known, inputs.shape[1], products)
                _sum_up(own, last, tracks[:known], products, number, features)


@compiled
def _sum_up(own: int, last: int, tracks: np.ndarray, products: np.ndarray, number: int, features: np.ndarray) -> None:
    """Writes what :func:`compare_vectors` does, for the candidate ``own``, in the row ``number``."""
    highest, total, met = np.float32(0), np.float32(0), 0
    for step in range(len(tracks)):
        if tracks[step] != own:
            highest = max(highest, products[step]) if met else products[step]
            total, met = total + products[step], met + 1
    if met:
        features[number, 0], features[number, 1] = highest, total / met
        if tracks[-1] == last != own:
            features[number, 2] = products[len(tracks) - 1]


@compiled
def compare_near(asked: Rows, near: Rows, candidates: tuple[np.ndarray, np.ndarray], features: np.ndarray) -> None:
    """Writes the highest, mean and last of how near a candidate is to the tracks of its history, in (c, 3).

    ``asked`` are the tracks of each history, in order, by their row in ``near``.
    """
    features[:] = 0
    table = table_for(candidates[0])
    for history in range(len(asked[0]) - 1):
        first, end = candidates[0][history], candidates[0][history + 1]
        write_places(candidates[1][first:end], table)
        steps = asked[0][history + 1] - asked[0][history]
        for step in range(asked[0][history], asked[0][history + 1]):
            is_last = step == asked[0][history + 1] - 1
            row = asked[1][step]
            for entry in range(near[0][row], near[0][row + 1]):
                place = place_of(table, near[1][entry])
                if place >= 0:
                    own = first + place
                    features[own, 0] = max(features[own, 0], near[2][entry])
                    features[own, 1] += near[2][entry] / steps
                    if is_last:
                        features[own, 2] = near[2][entry]


@compiled
def look_into_nearest(
    heard: Rows,
    nearest: Rows,
    playlists: Rows,
    candidates: tuple[np.ndarray, np.ndarray],
    length_damping: float,
    features: np.ndarray,
) -> None:
    """Writes what the playlists ``nearest`` to each history tell of its candidates, in (c, 8).

    All tracks of a history are candidates. How many of the playlists hold the candidate; the highest similarity of one;
    the sums, over those that hold it, of similarities, and of similarities where they hold the last track, too; the
    weights of the shared tracks close before it, right before it and close after it; and the fewest steps to one. Sums
    are shares of the highest of the history.
    """
    features[:] = 0
    features[:, 7] = _FAR
    longest = 0
    for playlist in nearest[1]:
        longest = max(longest, playlists[0][playlist + 1] - playlists[0][playlist])
    met, table = (np.empty(longest + 1, np.int64), np.empty(longest + 1, np.int64)), table_for(candidates[0])
    fading = _powers(_CLOSE, longest), _powers(_RIGHT, longest)
    for history in range(len(nearest[0]) - 1):
        first, end = candidates[0][history], candidates[0][history + 1]
        own, weights = features[first:end], np.zeros(end - first, np.float32)
        write_places(candidates[1][first:end], table)
        last = -1
        for entry in range(heard[0][history], heard[0][history + 1]):
            last = place_of(table, heard[1][entry])
            weights[last] += heard[2][entry]
        best = np.float32(0)
        for value in nearest[2][nearest[0][history] : nearest[0][history + 1]]:
            best = max(best, value)
        for entry in range(nearest[0][history], nearest[0][history + 1]):
            start, stop = playlists[0][nearest[1][entry]], playlists[0][nearest[1][entry] + 1]
            count = _meet(playlists[1], start, stop, table, met)
            similarity = nearest[2][entry] / best if best > 0 else np.float32(0)
            damping = np.float32((stop - start) ** -length_damping)
            _walk(met, count, playlists[2], weights, fading, (similarity, damping, last), own)
        _as_shares(own)


@compiled
def _powers(base: float, highest: int) -> np.ndarray:
    """(highest + 1,) float32 powers of ``base``, from 0 on."""
    powers = np.ones(highest + 1, np.float32)
    for exponent in range(highest):
        powers[exponent + 1] = powers[exponent] * base
    return powers


@compiled
def _meet(tracks: np.ndarray, start: int, stop: int, table: np.ndarray, met: tuple[np.ndarray, np.ndarray]) -> int:
    """Writes, of the ``tracks`` in a playlist that the ``table`` knows, their slots and places; returns how many."""
    count = np.int64(0)
    for place in range(start, stop):
        met[0][count], met[1][count] = place_of(table, tracks[place]), place
        count += met[0][count] >= 0  # without a branch, which the processor could not foresee
    return int(count)


@compiled
def _walk(
    met: tuple[np.ndarray, np.ndarray],
    count: int,
    values: np.ndarray,
    weights: np.ndarray,
    fading: tuple[np.ndarray, np.ndarray],
    playlist: tuple[float, float, int],
    features: np.ndarray,
) -> None:
    """Adds what one ``playlist`` (similarity, damping, the slot of the last track) tells of the tracks ``met``."""
    similarity, damping, last = playlist
    holds_last = np.float32(0)
    for number in range(count):
        if met[0][number] == last:
            holds_last = np.float32(1)
    close, right, steps, before = np.float32(0), np.float32(0), _FAR, met[1][0]
    for number in range(count):
        slot, place = met[0][number], met[1][number]
        close, right = close * fading[0][place - before], right * fading[1][place - before]
        steps, before = steps + np.float32(place - before), place
        features[slot, 0] += 1
        features[slot, 1] = max(features[slot, 1], similarity)
        features[slot, 2] += similarity * values[place]
        features[slot, 3] += similarity * values[place] * holds_last
        features[slot, 4] += close * damping * values[place]
        features[slot, 5] += right * damping * values[place]
        features[slot, 7] = min(features[slot, 7], steps)
        close += weights[slot]
        right += weights[slot]
        if weights[slot] > 0:
            steps = np.float32(0)
    close, steps = np.float32(0), _FAR
    for number in range(count - 1, -1, -1):
        slot, place = met[0][number], met[1][number]
        close, steps, before = close * fading[0][before - place], steps + np.float32(before - place), place
        features[slot, 6] += close * damping * values[place]
        features[slot, 7] = min(features[slot, 7], steps)
        close += weights[slot]
        if weights[slot] > 0:
            steps = np.float32(0)


@compiled
def _as_shares(features: np.ndarray) -> None:
    """Makes each sum a share of the highest, and the count its logarithm."""
    highest = np.zeros(7, np.float32)
    for row in range(len(features)):
        for column in range(2, 7):
            highest[column] = max(highest[column], features[row, column])
    for row in range(len(features)):
        features[row, 0] = np.log1p(features[row, 0])
        for column in range(2, 7):
            if highest[column] > 0:
                features[row, column] /= highest[column]
