"""Loops over rows of few entries, compiled; each works on rows of its own, so that several threads can call it.

A row's entries stand in ``columns`` and ``values`` from ``starts[row]`` to ``starts[row + 1]``.
"""

import numpy as np

from rec_assets.core.base.compiled import compiled, compiled_in_any_order

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]  # starts, columns, values
Entries = tuple[np.ndarray, np.ndarray]  # columns, values

_BITS = 11
_BUCKETS = 1 << _BITS


@compiled
def _is_below(score: float, column: int, other_score: float, other_column: int) -> bool:
    """Whether the first comes after the other: its score is lower, or of equal scores its column is higher."""
    return score < other_score or (score == other_score and column > other_column)


@compiled
def _sift_down(columns: np.ndarray, scores: np.ndarray, place: int, count: int) -> None:
    """Restores a heap of ``count``, whose top comes last of all, where only the entry at ``place`` may be wrong."""
    column, score = columns[place], scores[place]
    while 2 * place + 1 < count:
        child = 2 * place + 1
        if child + 1 < count and _is_below(scores[child + 1], columns[child + 1], scores[child], columns[child]):
            child += 1
        if not _is_below(scores[child], columns[child], score, column):
            break
        columns[place], scores[place] = columns[child], scores[child]
        place = child
    columns[place], scores[place] = column, score


@compiled
def _heapify(columns: np.ndarray, scores: np.ndarray, count: int) -> None:
    """Makes a heap of ``count`` entries in any order."""
    for place in range(count // 2 - 1, -1, -1):
        _sift_down(columns, scores, place, count)


@compiled
def _offer(columns: np.ndarray, scores: np.ndarray, count: int, column: int, score: float) -> int:
    """Puts an entry into a heap of the best that has ``count``, if it is among the best; returns how many it has."""
    if count < len(columns):
        columns[count], scores[count] = column, score
        count += 1
        if count == len(columns):
            _heapify(columns, scores, count)
    elif _is_below(scores[0], columns[0], score, column):
        columns[0], scores[0] = column, score
        _sift_down(columns, scores, 0, count)
    return count


@compiled
def _put_in_order(columns: np.ndarray, scores: np.ndarray, count: int) -> None:
    """Sorts the ``count`` entries of a heap, best first."""
    if count < len(columns):
        _heapify(columns, scores, count)
    for end in range(count - 1, 0, -1):
        columns[0], columns[end] = columns[end], columns[0]
        scores[0], scores[end] = scores[end], scores[0]
        _sift_down(columns, scores, 0, end)


@compiled
def _room_for(count: int) -> Entries:
    return np.empty(count, np.int32), np.empty(count, np.float32)


@compiled
def _added_up(entries: Entries, spare: Entries, count: int, width: int) -> Entries:
    """The columns of ``count`` entries without repeats, ascending, and the sums of their values, in the order given.

    A radix sort (Knuth 1998, "The Art of Computer Programming" 3, section 5.2.5), by 11 bits at a time: 31,000 entries
    take a tenth of the time of sums in an array over a whole catalog of millions, which is in no processor's cache.
    """
    columns, values = entries[0][:count], entries[1][:count]
    spare_columns, spare_values = spare[0][:count], spare[1][:count]
    shift = 0
    while (width - 1) >> shift > 0:
        ends = np.zeros(_BUCKETS + 1, np.int64)
        for column in columns:
            ends[((column >> shift) & (_BUCKETS - 1)) + 1] += 1
        for bucket in range(_BUCKETS):
            ends[bucket + 1] += ends[bucket]
        for place in range(len(columns)):
            bucket = (columns[place] >> shift) & (_BUCKETS - 1)
            spare_columns[ends[bucket]], spare_values[ends[bucket]] = columns[place], values[place]
            ends[bucket] += 1
        columns, spare_columns = spare_columns, columns
        values, spare_values = spare_values, values
        shift += _BITS
    count = 0
    for place in range(len(columns)):
        if count and columns[count - 1] == columns[place]:
            values[count - 1] += values[place]
        else:
            columns[count], values[count] = columns[place], values[place]
            count += 1
    return columns[:count], values[:count]


@compiled
def multiply(left: Rows, right: Rows, width: int, most: int, read: int) -> Rows:
    """The product of both, by Gustavson 1978, "Two fast algorithms for sparse matrices".

    Each row keeps its ``most`` highest values, ties by the lowest column. Its entries ascend by column, or, where some
    are left out, are in the order of a heap. ``right`` has ``width`` columns; values that are 0 are no entries. Of each
    of its rows the first ``read`` entries count.
    """
    rows = len(left[0]) - 1
    room, met = 0, np.zeros(rows, np.int64)
    for row in range(rows):
        for entry in range(left[0][row], left[0][row + 1]):
            met[row] += min(right[0][left[1][entry] + 1] - right[0][left[1][entry]], read)
        room += min(met[row], width, most)
    columns, values, starts = np.empty(room, np.int32), np.empty(room, np.float32), np.zeros(rows + 1, np.int64)
    largest = met.max() if rows else 0
    entries, spare = _room_for(largest), _room_for(largest)
    for row in range(rows):
        count = 0
        for entry in range(left[0][row], left[0][row + 1]):
            first = right[0][left[1][entry]]
            last = min(right[0][left[1][entry] + 1], first + read)
            entries[0][count : count + last - first] = right[1][first:last]
            entries[1][count : count + last - first] = left[2][entry] * right[2][first:last]
            count += last - first
        start = starts[row]
        own = _added_up(entries, spare, count, width)
        starts[row + 1] = start + _keep_best(own, (columns[start:], values[start:]), most)
    return starts, columns[: starts[rows]], values[: starts[rows]]


@compiled
def _keep_best(entries: Entries, into: Entries, most: int) -> int:
    """Copies the ``most`` highest of the values that are not 0, and their columns; returns how many these are."""
    columns, values = entries
    to_columns, to_values = into
    kept = 0
    for place in range(len(columns)):
        if values[place] != 0 and most < len(columns):
            kept = _offer(to_columns[:most], to_values[:most], kept, columns[place], values[place])
        elif values[place] != 0:
            to_columns[kept], to_values[kept] = columns[place], values[place]
            kept += 1
    return kept


@compiled
def near_shared(heard: Rows, nearest: Rows, playlists: Rows, fading: tuple[float, float], width: int) -> Rows:
    """The tracks of the playlists ``nearest`` to each history, by how near they stand to those ``heard`` in it.

    A track that both hold gives its weight to every other one of the playlist: times the first of ``fading`` for each
    step between them, over the playlist's length to the power of the second, times the value of the track in
    ``playlists``. A history may have a track twice. The columns of each row ascend.
    """
    rows = len(heard[0]) - 1
    met, longest = np.zeros(rows, np.int64), 0
    for row in range(rows):
        for playlist in nearest[1][nearest[0][row] : nearest[0][row + 1]]:
            length = playlists[0][playlist + 1] - playlists[0][playlist]
            met[row] += length
            longest = max(longest, length)
    largest = met.max() if rows else 0
    entries, spare = _room_for(largest), _room_for(largest)
    columns, values = _room_for(met.sum())
    starts = np.zeros(rows + 1, np.int64)
    shared, near = np.empty(longest, np.float32), np.empty(longest, np.float32)
    for row in range(rows):
        own = slice(heard[0][row], heard[0][row + 1])
        order = np.argsort(heard[1][own], kind="mergesort")
        tracks, weights = heard[1][own][order], heard[2][own][order]
        count = 0
        for playlist in nearest[1][nearest[0][row] : nearest[0][row + 1]]:
            held = slice(playlists[0][playlist], playlists[0][playlist + 1])
            length = held.stop - held.start
            for place, track in enumerate(playlists[1][held]):
                shared[place] = 0
                for entry in range(np.searchsorted(tracks, track), len(tracks)):
                    if tracks[entry] != track:
                        break
                    shared[place] += weights[entry]
            _spread(shared[:length], np.float32(fading[0]), near[:length])
            damping = np.float32(length ** -fading[1])
            for place in range(length):
                if near[place] > 0:
                    entries[0][count] = playlists[1][held.start + place]
                    entries[1][count] = near[place] * damping * playlists[2][held.start + place]
                    count += 1
        found, sums = _added_up(entries, spare, count, width)
        starts[row + 1] = starts[row] + len(found)
        columns[starts[row] : starts[row + 1]], values[starts[row] : starts[row + 1]] = found, sums
    return starts, columns[: starts[-1]].copy(), values[: starts[-1]].copy()


@compiled
def _spread(weights: np.ndarray, fading: float, near: np.ndarray) -> None:
    """Writes in ``near`` what the ``weights`` of all other places come to, each times ``fading`` per step away."""
    passed = np.float32(0)
    for place in range(len(weights)):
        near[place] = passed
        passed = (passed + weights[place]) * fading
    passed = np.float32(0)
    for place in range(len(weights) - 1, -1, -1):
        near[place] += passed
        passed = (passed + weights[place]) * fading


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
    entries, spare = _room_for(largest), _room_for(largest)
    columns, values, ends = np.empty(room, np.int32), np.empty(room, np.float32), np.zeros(len(wanted) + 1, np.int64)
    for number, track in enumerate(wanted):
        own = places[starts[track - first_track] : starts[track - first_track + 1]]
        count = 0
        for place in own:
            first, last = _reach(sequences[1], place, middle, len(by_distance) - 1 - middle)
            for other in range(first, last):
                weight, column = by_distance[other - place + middle], sequences[0][other]
                if weight != 0 and column != track:
                    entries[0][count], entries[1][count] = column, weight
                    count += 1
        near_columns, sums = _added_up(entries, spare, count, len(scale))
        for place in range(len(sums)):
            sums[place] = np.float32(sums[place] * scale[track] * scale[near_columns[place]])
        start = ends[number]
        ends[number + 1] = start + _keep_best((near_columns, sums), (columns[start:], values[start:]), most)
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


@compiled
def take(rows: Rows, wanted: np.ndarray) -> Rows:
    """The rows ``wanted`` (w,), in that order."""
    starts = np.zeros(len(wanted) + 1, np.int64)
    for number, row in enumerate(wanted):
        starts[number + 1] = starts[number] + rows[0][row + 1] - rows[0][row]
    columns, values = np.empty(starts[-1], np.int32), np.empty(starts[-1], np.float32)
    for number, row in enumerate(wanted):
        columns[starts[number] : starts[number + 1]] = rows[1][rows[0][row] : rows[0][row + 1]]
        values[starts[number] : starts[number + 1]] = rows[2][rows[0][row] : rows[0][row + 1]]
    return starts, columns, values


@compiled
def best_of(rows: Rows, above: float, depth: int, left_out: tuple[np.ndarray, np.ndarray]) -> tuple:
    """(r, depth) columns of the highest values of each row, best first, ties by the lowest column; and these values.

    Only values above ``above`` count, and not the columns ``left_out``: (x,) values and (r + 1,) where those of each
    row begin. Where there are no more: -1 and -inf.
    """
    count = len(rows[0]) - 1
    columns, scores = np.full((count, depth), np.int32(-1)), np.full((count, depth), np.float32(-np.inf))
    for row in range(count):
        kept, silent = 0, left_out[0][left_out[1][row] : left_out[1][row + 1]]
        for entry in range(rows[0][row], rows[0][row + 1]):
            column, score = rows[1][entry], rows[2][entry]
            enters = kept < depth or score >= scores[row, 0]
            if enters and score > above and not (silent == column).any():
                kept = _offer(columns[row], scores[row], kept, column, score)
        _put_in_order(columns[row], scores[row], kept)
    return columns, scores


@compiled
def offer_block(block: np.ndarray, start: int, columns: np.ndarray, scores: np.ndarray, found: np.ndarray) -> None:
    """Puts the best of ``block`` (r, b), whose columns begin at ``start``, into the heaps of the best of each row.

    ``columns`` (r, depth) int32 and ``scores`` (r, depth) hold ``found`` (r,) entries each. -inf is never found.
    """
    for row in range(len(block)):
        count = found[row]
        for column in range(block.shape[1]):
            score = block[row, column]
            if score > scores[row, 0] or (count < scores.shape[1] and score > -np.inf):
                count = _offer(columns[row], scores[row], count, start + column, score)
        found[row] = count


@compiled_in_any_order
def _dot(left: np.ndarray, right: np.ndarray) -> np.float32:
    total = np.float32(0)
    for x in range(len(left)):
        total += left[x] * right[x]
    return total


@compiled
def search_lists(
    queries: np.ndarray, centres: np.ndarray, lists: tuple[np.ndarray, np.ndarray, np.ndarray], read: int, depth: int
) -> np.ndarray:
    """(m, depth) int32 places of the greatest dot products with ``queries`` (m, d), in no order; -1 = no more.

    Of the ``lists`` (where each begins, places, vectors), those are ``read`` whose ``centres`` (l, d) have the
    greatest dot products.
    """
    starts, places, vectors = lists
    read = min(read, len(centres))
    chosen, nearness = np.empty((len(queries), read), np.int32), np.empty(read, np.float32)
    for row in range(len(queries)):
        kept = 0
        for number in range(len(centres)):
            kept = _offer(chosen[row], nearness, kept, number, _dot(queries[row], centres[number]))
    # List by list, so that a list that several queries read is read from memory once.
    begins, asking = transposed(np.arange(len(queries) + 1) * read, chosen.ravel(), len(centres))
    found, scores = np.full((len(queries), depth), np.int32(-1)), np.empty((len(queries), depth), np.float32)
    counts = np.zeros(len(queries), np.int64)
    for number in range(len(centres)):
        for row in asking[begins[number] : begins[number + 1]]:
            for entry in range(starts[number], starts[number + 1]):
                score = _dot(queries[row], vectors[entry])
                if score > -np.inf and (counts[row] < depth or score >= scores[row, 0]):
                    counts[row] = _offer(found[row], scores[row], counts[row], places[entry], score)
    return found


@compiled
def look_up(rows: Rows, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """(c,) float32 value at each ``row`` (c,) and ``column`` (c,), 0 where none is; the columns of a row ascend."""
    found = np.zeros(len(row), np.float32)
    for number in range(len(row)):
        start, end = rows[0][row[number]], rows[0][row[number] + 1]
        place = start + np.searchsorted(rows[1][start:end], column[number])
        if place < end and rows[1][place] == column[number]:
            found[number] = rows[2][place]
    return found


@compiled
def distinct(values: np.ndarray, offsets: np.ndarray, width: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """The last ``most`` values of each sequence without repeats, as they come first there; and where they begin."""
    kept, starts, last = np.empty(len(values), np.int32), np.zeros(len(offsets), np.int64), np.full(width, -1)
    count = 0
    for sequence in range(len(offsets) - 1):
        first = max(offsets[sequence], offsets[sequence + 1] - most)
        for value in values[first : offsets[sequence + 1]]:
            if last[value] != sequence:
                last[value] = sequence
                kept[count] = value
                count += 1
        starts[sequence + 1] = count
    return kept[:count].copy(), starts


@compiled
def shared_pairs(lists: Rows, rows: Rows, width: int) -> np.ndarray:
    """(l,) how often two of the rows that each of ``lists`` has in its columns hold the same of ``width`` columns."""
    met, pairs = np.zeros(width, np.int64), np.zeros(len(lists[0]) - 1, np.int64)
    for number in range(len(pairs)):
        own = lists[1][lists[0][number] : lists[0][number + 1]]
        for row in own:
            for column in rows[1][rows[0][row] : rows[0][row + 1]]:
                pairs[number] += met[column]
                met[column] += 1
        for row in own:
            met[rows[1][rows[0][row] : rows[0][row + 1]]] = 0
    return pairs


@compiled
def transposed(starts: np.ndarray, columns: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Where the rows of each of ``width`` columns begin, and these rows, ascending."""
    begins, next_place = np.zeros(width + 1, np.int64), np.empty(width, np.int64)
    for column in columns:
        begins[column + 1] += 1
    for column in range(width):
        next_place[column] = begins[column]
        begins[column + 1] += begins[column]
    rows = np.empty(len(columns), np.int32)
    for row in range(len(starts) - 1):
        for column in columns[starts[row] : starts[row + 1]]:
            rows[next_place[column]] = row
            next_place[column] += 1
    return begins, rows
