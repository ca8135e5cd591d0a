"""Loops of the ranker, compiled."""

import numpy as np

from rec_assets.core.base.compiled import compiled
from rec_assets.core.strategies.best_loops import copy
from rec_assets.core.strategies.place_loops import count_distinct, place_of, table_for, write_places
from rec_assets.core.strategies.sparse_loops import added_up, room_for


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
        width: how many tracks there are.

    Returns:
        (c,) histories, (c,) int32 tracks, and (c, s) float32 places, 1 = best.
    """
    history, rows, starts = _told_apart(own, answers, width)
    places, table = np.empty((len(rows), len(missing)), np.float32), table_for(starts)
    for candidate in range(len(rows)):
        copy(missing, places[candidate])
    for asked in range(len(answers)):
        write_places(rows[starts[asked] : starts[asked + 1]], table)
        place = 0
        for column in range(len(source)):
            place = place + 1 if column > 0 and source[column] == source[column - 1] else 1
            if answers[asked, column] >= 0:
                places[starts[asked] + place_of(table, answers[asked, column]), source[column]] = place
    return history, rows, places


@compiled
def _told_apart(
    own: tuple[np.ndarray, np.ndarray], answers: np.ndarray, width: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The histories and tracks of :func:`gather`, and (m + 1,) where those of each history begin."""
    tracks, offsets = own
    columns, room, longest = answers.shape[1], len(tracks) + answers.size, 0
    for asked in range(len(answers)):
        longest = max(longest, offsets[asked + 1] - offsets[asked])
    entries, spare = room_for(longest + columns), room_for(longest + columns)
    history, rows, starts = np.empty(room, np.int64), np.empty(room, np.int32), np.zeros(len(offsets), np.int64)
    for asked in range(len(answers)):
        count = np.int64(0)
        for step in range(offsets[asked], offsets[asked + 1]):
            entries[0][count], entries[1][count] = tracks[step], 0
            count += 1
        for column in range(columns):
            if answers[asked, column] >= 0:
                entries[0][count], entries[1][count] = answers[asked, column], 0
                count += 1
        known, _ = added_up(entries, spare, count, width)
        starts[asked + 1] = starts[asked] + len(known)
        copy(known, rows[starts[asked] :])
        history[starts[asked] : starts[asked + 1]] = asked
    return history[: starts[-1]].copy(), rows[: starts[-1]].copy(), starts


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
        tracks: (t,) count, (t,) artist, and which artist stands for none, the lowest.
        features: see above.
    """
    history, rows, shares = candidates
    count, artist, unknown = tracks
    table, number = table_for(histories[1]), 0
    artists, times = np.empty(len(table), np.int32), np.empty(len(table), np.int64)
    while number < len(rows):
        asked, goes_on = history[number], 0
        own = histories[0][histories[1][asked] : histories[1][asked + 1]]
        length, last = len(own), artist[own[-1]]
        for step in range(length):
            artists[step], times[step] = artist[own[step]] - unknown, 0
            goes_on += step > 0 and artists[step] == artists[step - 1] and artists[step] != 0
        different_artists = count_distinct(artists[:length], table)
        different_tracks = count_distinct(own, table)
        for track in own:
            times[place_of(table, track)] += 1
        about = (
            float(length),
            different_tracks / length,
            different_artists / length,
            goes_on / max(length - 1, 1),
            np.log1p(count[own[-1]]),
        )
        while number < len(rows) and history[number] == asked:
            track, known = rows[number], artist[rows[number]] != unknown
            place = place_of(table, track)  # of equal ones the last
            features[number, 0] = np.log1p(count[track])
            features[number, 1] = shares[number] if known else np.nan
            features[number, 2] = known and artist[track] == last
            features[number, 3] = known
            features[number, 4] = times[place] if place >= 0 else 0
            features[number, 5] = length - place if place >= 0 else np.nan
            for fact in range(5):
                features[number, 6 + fact] = about[fact]
            number += 1
