"""What many trees say of many candidates, compiled: Lucchese et al. 2015, "QuickScorer: A Fast Algorithm to Rank
Documents with Additive Ensembles of Regression Trees", section 3.

A tree is not walked from its root. All its tests are made, whatever their order: one that sends a candidate to the
right crosses out the leaves on its left. The leftmost leaf that is left is the one a walk would reach. So no branch
has to be guessed, and a test is made for several candidates at once.
"""

import numpy as np

from rec_assets.core.base.compiled import compiled

_ROWS = 128  # candidates whose features stay near the processor while all trees look at them
_WORD = 32  # leaves to a word
_ALL = np.uint32(0xFFFFFFFF)
# Leiserson et al. 1998, "Using de Bruijn Sequences to Index a 1 in a Computer Word".
_DE_BRUIJN = 0x077CB531
_PLACE_OF_BIT = np.empty(_WORD, np.int64)
_PLACE_OF_BIT[[(_DE_BRUIJN << place & 0xFFFFFFFF) >> 27 for place in range(_WORD)]] = np.arange(_WORD)


@compiled
def lay_out(
    roots: np.ndarray, left: np.ndarray, right: np.ndarray, leaves: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where the nodes of each tree begin (t + 1,); its leaves from left to right (l,); and which of these each test
    leaves in (n, w) uint32, a bit for each leaf, if it sends a candidate to the right.

    See :class:`.forest.Forest`; a child that is a node has a higher number than its parent.
    """
    starts, most = np.empty(len(roots) + 1, np.int64), np.int64(0)
    starts[-1] = len(left)
    for tree in range(len(roots) - 1, -1, -1):
        starts[tree] = roots[tree] if roots[tree] >= 0 else -1 - roots[tree] - tree
        most = max(most, starts[tree + 1] - starts[tree])
    masks = np.full((len(left), most // _WORD + 1), _ALL, np.uint32)
    below, first, ordered = np.empty((2, len(left)), np.int64), np.zeros(len(left), np.int64), leaves.copy()
    for tree in range(len(roots)):
        base = starts[tree] + tree
        for node in range(starts[tree + 1] - 1, starts[tree] - 1, -1):
            for side, child in enumerate((left[node], right[node])):
                below[side, node] = 1 if child < 0 else below[0, child] + below[1, child]
        for node in range(starts[tree], starts[tree + 1]):
            middle = first[node] + below[0, node]
            for child, begin in ((left[node], first[node]), (right[node], middle)):
                if child >= 0:
                    first[child] = begin
                else:
                    ordered[base + begin] = leaves[-1 - child]
            for leaf in range(first[node], middle):
                masks[node, leaf // _WORD] &= ~(np.uint32(1) << np.uint32(leaf % _WORD))
    return starts, ordered, masks


@compiled
def predict(
    features: np.ndarray,
    starts: np.ndarray,
    tests: tuple[np.ndarray, np.ndarray, np.ndarray],
    masks: np.ndarray,
    leaves: np.ndarray,
) -> np.ndarray:
    """(c,) float32 sums of what the trees say of ``features`` (c, f).

    ``tests`` are feature, threshold as float32, and whether NaN goes left; the others are what :func:`lay_out` gives.
    """
    scores, sums = np.empty(len(features), np.float32), np.empty(_ROWS, np.float64)
    columns, left_in = np.empty((features.shape[1], _ROWS), np.float32), np.empty((masks.shape[1], _ROWS), np.uint32)
    for begin in range(0, len(features), _ROWS):
        count = min(_ROWS, len(features) - begin)
        for row in range(count):
            sums[row] = 0
            for column in range(features.shape[1]):
                columns[column, row] = features[begin + row, column]
        for tree in range(len(starts) - 1):
            _cross_out(columns, (starts[tree], starts[tree + 1]), tests, masks, left_in)
            for row in range(count):
                word = 0
                while left_in[word, row] == 0:
                    word += 1
                bits = np.int64(left_in[word, row])
                place = _PLACE_OF_BIT[(((bits & -bits) * _DE_BRUIJN) & 0xFFFFFFFF) >> 27]
                sums[row] += leaves[starts[tree] + tree + word * _WORD + place]
        for row in range(count):
            scores[begin + row] = sums[row]
    return scores


@compiled
def _cross_out(
    columns: np.ndarray,
    nodes: tuple[int, int],
    tests: tuple[np.ndarray, np.ndarray, np.ndarray],
    masks: np.ndarray,
    left_in: np.ndarray,
) -> None:
    """Leaves in ``left_in`` (w, rows) the leaves of one tree that its tests do not cross out for each row."""
    feature, threshold, nan_goes_left = tests
    left_in[:] = _ALL
    for node in range(nodes[0], nodes[1]):
        column, limit = feature[node], threshold[node]
        for word in range(masks.shape[1]):
            mask = masks[node, word]
            if mask == _ALL:
                continue
            if nan_goes_left[node]:
                for row in range(_ROWS):
                    left_in[word, row] &= mask if columns[column, row] > limit else _ALL
            else:
                for row in range(_ROWS):
                    left_in[word, row] &= _ALL if columns[column, row] <= limit else mask
