"""Loops of the ranker, compiled."""

import numpy as np

from rec_assets.core.base.compiled import compiled

_ROWS = 256  # whose features stay near the processor while all trees look at them


@compiled
def predict(
    features: np.ndarray,
    roots: np.ndarray,
    tests: tuple[np.ndarray, np.ndarray, np.ndarray],
    children: tuple[np.ndarray, np.ndarray],
    leaves: np.ndarray,
) -> np.ndarray:
    """(c,) float32 sums of what the trees say of ``features`` (c, f); see :class:`.forest.Forest`.

    ``tests`` are feature, threshold, and whether NaN goes left; ``children`` are left and right.
    """
    feature, threshold, nan_goes_left = tests
    left, right = children
    sums, scores = np.zeros(_ROWS, np.float64), np.empty(len(features), np.float32)
    for start in range(0, len(features), _ROWS):
        end = min(start + _ROWS, len(features))
        sums[:] = 0
        for root in roots:
            for row in range(start, end):
                node = root
                while node >= 0:
                    value = features[row, feature[node]]
                    goes_left = nan_goes_left[node] if np.isnan(value) else value <= threshold[node]
                    node = left[node] if goes_left else right[node]
                sums[row - start] += leaves[-1 - node]
        for row in range(start, end):
            scores[row] = sums[row - start]
    return scores


@compiled
def gather(
    own: tuple[np.ndarray, np.ndarray], answers: np.ndarray, source: np.ndarray, missing: np.ndarray, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All tracks that are answered to each history, or in it, ascending; and their places in the answers.

    Args:
        own: tracks of the histories, and (m + 1,) where those of each begin.
        answers: (m, a) tracks, those of one source beside each other, best first; below 0 = none.
        source: (a,) which source each column of the answers is of.
        missing: (s,) float32 place of a track that a source does not answer.
        width: number of all tracks.

    Returns:
        (c,) histories, (c,) int32 tracks, and (c, s) float32 places, 1 = best.
    """
    tracks, offsets = own
    room = len(tracks) + answers.size
    history, rows, number = np.empty(room, np.int64), np.empty(room, np.int32), np.full(width, -1)
    count = 0
    for asked in range(len(answers)):
        first = count
        for place in range(offsets[asked], offsets[asked + 1]):
            if number[tracks[place]] < first:
                number[tracks[place]] = count
                rows[count] = tracks[place]
                count += 1
        for track in answers[asked]:
            if track >= 0 and number[track] < first:
                number[track] = count
                rows[count] = track
                count += 1
        rows[first:count].sort()
        history[first:count] = asked
    places = np.empty((count, len(missing)), np.float32)
    first = 0
    for asked in range(len(answers)):
        end = first
        while end < count and history[end] == asked:
            number[rows[end]] = end
            places[end] = missing
            end += 1
        place = 0
        for column in range(answers.shape[1]):
            place = place + 1 if column > 0 and source[column] == source[column - 1] else 1
            if answers[asked, column] >= 0:
                places[number[answers[asked, column]], source[column]] = place
        first = end
    return history[:count].copy(), rows[:count].copy(), places
