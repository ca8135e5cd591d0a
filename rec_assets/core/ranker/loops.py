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
    own: tuple[np.ndarray, np.ndarray], answers: np.ndarray, source: np.ndarray, missing: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """All tracks that are answered to each history, or in it, ascending; and their places in the answers.

    Args:
        own: tracks of the histories, and (m + 1,) where those of each begin.
        answers: (m, a) tracks, those of one source beside each other, best first; below 0 = none.
        source: (a,) which source each column of the answers is of.
        missing: (s,) float32 place of a track that a source does not answer.

    Returns:
        (c,) histories, (c,) int32 tracks, and (c, s) float32 places, 1 = best.
    """
    tracks, offsets = own
    room = len(tracks) + answers.size
    history, rows, starts = np.empty(room, np.int64), np.empty(room, np.int32), np.zeros(len(offsets), np.int64)
    for asked in range(len(answers)):
        start = starts[asked]
        together = np.unique(np.concatenate((tracks[offsets[asked] : offsets[asked + 1]], answers[asked])))
        known = together[np.searchsorted(together, 0) :]
        end = starts[asked + 1] = start + len(known)
        rows[start:end], history[start:end] = known, asked
    count = starts[len(answers)]
    places = np.empty((count, len(missing)), np.float32)
    places[:] = missing
    for asked in range(len(answers)):
        known, place = rows[starts[asked] : starts[asked + 1]], 0
        for column in range(answers.shape[1]):
            place = place + 1 if column > 0 and source[column] == source[column - 1] else 1
            if answers[asked, column] >= 0:
                places[starts[asked] + np.searchsorted(known, answers[asked, column]), source[column]] = place
    return history[:count].copy(), rows[:count].copy(), places


@compiled
def compare(
    scores: np.ndarray, places: np.ndarray, best: np.ndarray, history: np.ndarray, products: int, features: np.ndarray
) -> None:
    """Writes what the sources say of each candidate: (c, s) scores against their (m, s) best, then (c, s) places.

    See :class:`.sources.Candidates`. Scores of the source ``products`` may be negative. There may be more sources than
    ``features`` (c, 2 s) has room for; those are left out.
    """
    sources = features.shape[1] // 2
    for number in range(len(scores)):
        for source in range(sources):
            highest, own = best[history[number], source], scores[number, source]
            if source == products:
                features[number, source] = highest - own
            else:
                features[number, source] = own / highest if highest > 0 else np.nan
            features[number, sources + source] = np.log(places[number, source])


@compiled
def describe(
    histories: tuple[np.ndarray, np.ndarray],
    candidates: tuple[np.ndarray, np.ndarray, np.ndarray],
    tracks: tuple[np.ndarray, np.ndarray, int],
    features: np.ndarray,
) -> None:
    """Writes what is known of each candidate and of its history, in ``features`` (c, 11).

    Args:
        histories: tracks, and (m + 1,) where those of each history begin.
        candidates: (c,) history, ascending; (c,) track; (c,) share of its artist in the history.
        tracks: (t,) count, (t,) artist, and which artist stands for none.
        features: see above.
    """
    history, rows, shares = candidates
    count, artist, unknown = tracks
    number = 0
    while number < len(rows):
        own = histories[0][histories[1][history[number]] : histories[1][history[number] + 1]]
        length, last = len(own), artist[own[-1]]
        order = np.argsort(own, kind="mergesort")
        in_order, artists, goes_on = own[order], artist[own], 0
        for step in range(1, length):
            goes_on += artists[step] == artists[step - 1] and artists[step] != unknown
        about = (
            float(length),
            len(np.unique(own)) / length,
            len(np.unique(artists)) / length,
            goes_on / max(length - 1, 1),
            np.log1p(count[own[-1]]),
        )
        asked = history[number]
        while number < len(rows) and history[number] == asked:
            track, known = rows[number], artist[rows[number]] != unknown
            first, end = np.searchsorted(in_order, track), np.searchsorted(in_order, track, side="right")
            features[number, 0] = np.log1p(count[track])
            features[number, 1] = shares[number] if known else np.nan
            features[number, 2] = known and artist[track] == last
            features[number, 3] = known
            features[number, 4] = end - first
            features[number, 5] = length - order[end - 1] if end > first else np.nan
            for place in range(5):
                features[number, 6 + place] = about[place]
            number += 1
