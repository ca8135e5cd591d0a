"""Loops that keep the best of many entries, in a heap, compiled.

Each works on rows of its own, so that several threads can call it. A row's entries stand in ``columns`` and ``values``
from ``starts[row]`` to ``starts[row + 1]``.
"""

import numpy as np

from rec_assets.core.base.compiled import compiled

Rows = tuple[np.ndarray, np.ndarray, np.ndarray]  # starts, columns, values
Entries = tuple[np.ndarray, np.ndarray]  # columns, values


@compiled
def copy(values: np.ndarray, into: np.ndarray) -> None:
    """Writes ``values`` at the beginning of ``into``, as an assignment to a slice does.

    For that numba would compile a hundred small functions, which put sentences on unequal shapes together.
    """
    for place in range(len(values)):
        into[place] = values[place]


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
def offer(columns: np.ndarray, scores: np.ndarray, count: int, column: int, score: float) -> int:
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
def put_in_order(columns: np.ndarray, scores: np.ndarray, count: int) -> None:
    """Sorts the ``count`` entries of a heap, best first."""
    if count < len(columns):
        _heapify(columns, scores, count)
    for end in range(count - 1, 0, -1):
        columns[0], columns[end] = columns[end], columns[0]
        scores[0], scores[end] = scores[end], scores[0]
        _sift_down(columns, scores, 0, end)


@compiled
def keep_best(entries: Entries, into: Entries, most: int) -> int:
    """Copies the ``most`` highest of the values that are not 0, and their columns; returns how many these are."""
    columns, values = entries
    to_columns, to_values = into
    kept = np.int64(0)
    for place in range(len(columns)):
        if values[place] != 0 and most < len(columns):
            kept = offer(to_columns[:most], to_values[:most], kept, columns[place], values[place])
        elif values[place] != 0:
            to_columns[kept], to_values[kept] = columns[place], values[place]
            kept += 1
    return int(kept)


@compiled
def _holds(values: np.ndarray, value: int) -> bool:
    for one in values:  # noqa: SIM110 - numba has no generators
        if one == value:
            return True
    return False


@compiled
def best_of(rows: Rows, above: float, depth: int, left_out: tuple[np.ndarray, np.ndarray]) -> tuple:
    """(r, depth) columns of the highest values of each row, best first, ties by the lowest column; and these values.

    Only values above ``above`` count, and not the columns ``left_out``: (x,) values and (r + 1,) where those of each
    row begin. Where there are no more: -1 and -inf.
    """
    count = len(rows[0]) - 1
    columns, scores = np.full((count, depth), np.int32(-1)), np.full((count, depth), np.float32(-np.inf))
    for row in range(count):
        kept, silent = np.int64(0), left_out[0][left_out[1][row] : left_out[1][row + 1]]
        best, heights = columns[row], scores[row]  # to cut them out for each entry takes longer than to offer it
        for entry in range(rows[0][row], rows[0][row + 1]):
            column, score = rows[1][entry], rows[2][entry]
            enters = kept < depth or score >= heights[0]
            if enters and score > above and not _holds(silent, column):
                kept = offer(best, heights, kept, column, score)
        put_in_order(best, heights, kept)
    return columns, scores


@compiled
def offer_block(
    block: np.ndarray, start: int, floor: np.ndarray, columns: np.ndarray, scores: np.ndarray, found: np.ndarray
) -> None:
    """Puts the best of ``block`` (r, b), whose columns begin at ``start``, into the heaps of the best of each row.

    ``columns`` (r, depth) int32 and ``scores`` (r, depth) hold ``found`` (r,) entries each. -inf is never found, nor
    what is below the ``floor`` (r,).
    """
    for row in range(len(block)):
        count, best, heights, least = found[row], columns[row], scores[row], floor[row]
        for column in range(block.shape[1]):
            score = block[row, column]
            if score >= least and (score > heights[0] or (count < len(heights) and score > -np.inf)):
                count = offer(best, heights, count, start + column, score)
        found[row] = count
