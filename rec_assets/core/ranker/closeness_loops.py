"""Loops behind :mod:`.closeness`, compiled.

Candidates are (m + 1,) where those of each history begin, and (c,) rows, ascending within a history.
"""

import numpy as np

from rec_assets.core.base.compiled import compiled, inlined_in_any_order
from rec_assets.core.strategies.best_loops import Rows, copy
from rec_assets.core.strategies.place_loops import place_of, table_for, write_places

# How fast the weight of a shared track fades by steps: e to the -1/3 is "close", 0.3 is "right beside".
_CLOSE, _RIGHT = np.float32(0.7165), np.float32(0.3)
_FAR = np.float32(1_000)


@inlined_in_any_order
def _dot(left: np.ndarray, right: np.ndarray, size: int) -> np.float32:
    total = np.float32(0)
    for x in range(size):
        total += left[x] * right[x]
    return total


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
    size = inputs.shape[1]
    heard, tracks = np.empty((latest, size), np.float32), np.empty(latest, np.int32)
    features[:] = np.nan
    for asked in range(len(histories[1]) - 1):
        end, known, last_is_known = histories[1][asked + 1], 0, False
        for track in histories[0][max(histories[1][asked], end - latest) : end]:
            last_is_known = 0 <= place[track] < len(outputs)
            if last_is_known:
                copy(inputs[place[track]], heard[known])
                tracks[known] = track
                known += 1
        for number in range(candidates[0][asked], candidates[0][asked + 1]):
            own, row, met = place[candidates[1][number]], features[number], 0
            if own < 0 or own >= len(outputs):
                continue
            for step in range(known):
                if tracks[step] == candidates[1][number]:
                    continue
                product = _dot(outputs[own], heard[step], size)
                row[0] = max(row[0], product) if met else product
                row[1] = row[1] + product if met else product
                met += 1
                if last_is_known and step == known - 1:
                    row[2] = product
            if met:
                row[1] /= met


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
                    own = features[first + place]
                    own[0] = max(own[0], near[2][entry])
                    own[1] += near[2][entry] / steps
                    if is_last:
                        own[2] = near[2][entry]


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
    slots, table = np.empty(longest, np.int64), table_for(candidates[0])
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
            tracks, values = playlists[1][start:stop], playlists[2][start:stop]
            holds_last = np.bool_(False)
            for place in range(len(tracks)):
                slots[place] = place_of(table, tracks[place])
                holds_last |= slots[place] == last
            similarity = nearest[2][entry] / best if best > 0 else np.float32(0)
            damping = np.float32(len(tracks) ** -length_damping)
            _walk(slots[: len(tracks)], values, weights, (similarity, damping, holds_last), own)
        _as_shares(own)


@compiled
def _walk(
    slots: np.ndarray,
    values: np.ndarray,
    weights: np.ndarray,
    playlist: tuple[float, float, bool],
    features: np.ndarray,
) -> None:
    """Adds what one ``playlist`` (similarity, damping, whether it holds the last track) tells of its tracks."""
    similarity, damping, holds_last = playlist
    close, right, steps = np.float32(0), np.float32(0), _FAR
    for place in range(len(slots)):
        slot = slots[place]
        close, right, steps = close * _CLOSE, right * _RIGHT, steps + 1
        if slot < 0:
            continue
        own = features[slot]
        own[0] += 1
        own[1] = max(own[1], similarity)
        own[2] += similarity * values[place]
        own[3] += similarity * values[place] if holds_last else 0
        own[4] += close * damping * values[place]
        own[5] += right * damping * values[place]
        own[7] = min(own[7], steps)
        close += weights[slot]
        right += weights[slot]
        if weights[slot] > 0:
            steps = np.float32(0)
    close, steps = np.float32(0), _FAR
    for place in range(len(slots) - 1, -1, -1):
        slot = slots[place]
        close, steps = close * _CLOSE, steps + 1
        if slot < 0:
            continue
        own = features[slot]
        own[6] += close * damping * values[place]
        own[7] = min(own[7], steps)
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
