"""Loops over rows of few entries, compiled; each works on rows of its own, so that several threads can call it.

A row's entries stand in ``columns`` and ``values`` from ``starts[row]`` to ``starts[row + 1]``.
"""

import numpy as np

from rec_assets.core.base.compiled import compiled

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]  # starts, columns, values

_GOLDEN_RATIO = 2_654_435_769  # of 2 ** 32, odd


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
def _bits(count: int) -> int:
    """Of the slots of a table that ``count`` columns fill by at most a half."""
    bits = 4
    while (1 << bits) < 2 * count:
        bits += 1
    return bits


@compiled
def _slot(column: int, columns: np.ndarray, table: np.ndarray, bits: int) -> int:
    """The slot of ``table`` that holds the place of ``column`` in ``columns``, or the free one, -1, where it belongs.

    Open addressing by a multiplicative hash (Knuth 1998, "The Art of Computer Programming" 3, section 6.4). A table of
    what is met stays in the processor's cache, which an array over the whole catalog does not: 40 times as fast.
    """
    slot = ((column * _GOLDEN_RATIO) & 0xFFFFFFFF) >> (32 - bits)
    while table[slot] >= 0 and columns[table[slot]] != column:
        slot = (slot + 1) & ((1 << bits) - 1)
    return slot


@compiled
def _add(
    column: int, value: float, columns: np.ndarray, sums: np.ndarray, count: int, table: np.ndarray, bits: int
) -> int:
    """Adds to the sum of a column, of which ``count`` have been met; returns how many have been now."""
    slot = _slot(column, columns, table, bits)
    if table[slot] >= 0:
        sums[table[slot]] += value
        return count
    table[slot] = count
    columns[count], sums[count] = column, value
    return count + 1


@compiled
def multiply(left: Rows, right: Rows, width: int, most: int) -> Rows:
    """The product of both, of which each row keeps its ``most`` highest values, ties by the lowest column.

    Gustavson 1978, "Two fast algorithms for sparse matrices". The entries of a row are in the order in which they are
    met, or, where some are left out, in that of a heap; both depend on nothing but the row. ``right`` has ``width``
    columns; values that are 0 are no entries.
    """
    rows = len(left[0]) - 1
    room, met = 0, np.zeros(rows, np.int64)
    for row in range(rows):
        for entry in range(left[0][row], left[0][row + 1]):
            met[row] += right[0][left[1][entry] + 1] - right[0][left[1][entry]]
        met[row] = min(met[row], width)
        room += min(met[row], most)
    largest = met.max() if rows else 0
    columns, values, starts = np.empty(room, np.int32), np.empty(room, np.float32), np.zeros(rows + 1, np.int64)
    found, sums = np.empty(largest, np.int32), np.empty(largest, np.float32)
    table = np.empty(1 << _bits(largest), np.int32)
    for row in range(rows):
        bits, count, kept = _bits(met[row]), 0, 0
        table[: 1 << bits] = -1
        for entry in range(left[0][row], left[0][row + 1]):
            weight = left[2][entry]
            for other in range(right[0][left[1][entry]], right[0][left[1][entry] + 1]):
                count = _add(right[1][other], weight * right[2][other], found, sums, count, table, bits)
        start = starts[row]
        best, scores = columns[start : start + min(most, count)], values[start : start + min(most, count)]
        for place in range(count):
            if sums[place] != 0:
                kept = _offer(best, scores, kept, found[place], sums[place])
        starts[row + 1] = start + kept
    return starts, columns[: starts[rows]], values[: starts[rows]]


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
        met = min(listed * (len(by_distance) - 1), len(scale))
        room, largest = room + min(met, most), max(largest, met)
    columns, scores, ends = np.empty(room, np.int32), np.empty(room, np.float32), np.zeros(len(wanted) + 1, np.int64)
    found, sums = np.empty(largest, np.int32), np.empty(largest, np.float32)
    table = np.empty(1 << _bits(largest), np.int32)
    for number, track in enumerate(wanted):
        own = places[starts[track - first_track] : starts[track - first_track + 1]]
        bits, count, kept = _bits(min(len(own) * (len(by_distance) - 1), len(scale))), 0, 0
        table[: 1 << bits] = -1
        for place in own:
            first, last = _reach(sequences[1], place, middle, len(by_distance) - 1 - middle)
            for other in range(first, last):
                weight, column = by_distance[other - place + middle], sequences[0][other]
                if weight != 0 and column != track:
                    count = _add(column, weight, found, sums, count, table, bits)
        start = ends[number]
        best, values = columns[start : start + min(count, most)], scores[start : start + min(count, most)]
        for place in range(count):
            value = np.float32(sums[place] * scale[track] * scale[found[place]])
            kept = _offer(best, values, kept, found[place], value)
        ends[number + 1] = start + kept
    return ends, columns[: ends[-1]], scores[: ends[-1]]


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
        # What the latest tracks of a history add comes last, and is the highest: from the end, few enter the heap.
        for entry in range(rows[0][row + 1] - 1, rows[0][row] - 1, -1):
            column, score = rows[1][entry], rows[2][entry]
            enters = kept < depth or score >= scores[row, 0]
            if enters and score > above and not _is_among(silent, column):
                kept = _offer(columns[row], scores[row], kept, column, score)
        _put_in_order(columns[row], scores[row], kept)
    return columns, scores


@compiled
def _is_among(values: np.ndarray, wanted: int) -> bool:
    for value in values:
        if value == wanted:
            return True
    return False


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


@compiled
def look_up(rows: Rows, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """(c,) float32 value at each ``row`` (c,), which ascend, and ``column`` (c,); 0 where there is none."""
    found, largest = np.zeros(len(row), np.float32), 0
    for number in range(len(rows[0]) - 1):
        largest = max(largest, rows[0][number + 1] - rows[0][number])
    table = np.empty(1 << _bits(largest), np.int32)
    asked = 0
    for number in range(len(rows[0]) - 1):
        if asked == len(row) or row[asked] != number:
            continue
        columns, values = rows[1][rows[0][number] : rows[0][number + 1]], rows[2][rows[0][number] : rows[0][number + 1]]
        bits = _bits(len(columns))
        table[: 1 << bits] = -1
        for place in range(len(columns)):
            table[_slot(columns[place], columns, table, bits)] = place
        while asked < len(row) and row[asked] == number:
            place = table[_slot(column[asked], columns, table, bits)]
            found[asked] = values[place] if place >= 0 else 0
            asked += 1
    return found


@compiled
def weighted_sums(rows: Rows, vectors: np.ndarray) -> np.ndarray:
    """(r, d) float32 sum of the ``vectors`` (v, d) of each row's columns, times their values."""
    sums = np.zeros((len(rows[0]) - 1, vectors.shape[1]), np.float32)
    for row in range(len(sums)):
        for entry in range(rows[0][row], rows[0][row + 1]):
            for x in range(vectors.shape[1]):
                sums[row, x] += rows[2][entry] * vectors[rows[1][entry], x]
    return sums


@compiled
def distinct(values: np.ndarray, offsets: np.ndarray, width: int) -> tuple[np.ndarray, np.ndarray]:
    """The values of each sequence without repeats, in the order in which they come first; and where they begin."""
    kept, starts, last = np.empty(len(values), np.int32), np.zeros(len(offsets), np.int64), np.full(width, -1)
    count = 0
    for sequence in range(len(offsets) - 1):
        for value in values[offsets[sequence] : offsets[sequence + 1]]:
            if last[value] != sequence:
                last[value] = sequence
                kept[count] = value
                count += 1
        starts[sequence + 1] = count
    return kept[:count].copy(), starts


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
