"""What the ranker learns from: beginnings of playlists, candidates for each, and which of them follows."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.one_blas_thread import one_blas_thread
from rec_assets.core.ranker.sources import FEATURES, Sources, candidate_features

BATCH = 128
# As in evaluation, where a playlist has at least three tracks.
SHORTEST_HISTORY = 2


@dataclass(frozen=True)
class Examples:
    """``m`` histories of rows, and ``targets`` (m,), the row that follows each."""

    histories: FlatSequences
    targets: np.ndarray


@dataclass(frozen=True)
class Labelled:
    """Candidates of ``e`` examples whose target is among them, one after the other.

    Attributes:
        features: (c, f) float32.
        is_target: (c,) bool, one of each example.
        sizes: (e,) candidates of each example.
    """

    features: np.ndarray
    is_target: np.ndarray
    sizes: np.ndarray

    @classmethod
    def joined(cls, parts: list["Labelled"]) -> "Labelled":
        """All ``parts``; the list is emptied, so that the features are never there twice."""
        is_target, sizes = (np.concatenate([getattr(one, name) for one in parts]) for name in ("is_target", "sizes"))
        features = np.empty((len(is_target), len(FEATURES)), np.float32)
        end = len(is_target)
        while parts:
            own = parts.pop().features
            features[end - len(own) : end] = own
            end -= len(own)
        return cls(features, is_target, sizes)


def cut_examples(playlists: FlatSequences, *, more_cuts: int, limit: int, seed: int | Sequence[int]) -> Examples:
    """One example per playlist with its last track as the target, and ``more_cuts`` at random earlier places.

    The playlists are in random order and of at least two tracks. The same place counts once, and short playlists have
    fewer. Only the first ``limit`` examples are kept.
    """
    lengths = playlists.lengths()
    draws = np.random.default_rng(seed).random((len(playlists), more_cuts))
    earlier = SHORTEST_HISTORY + (draws * np.maximum(lengths - 1 - SHORTEST_HISTORY, 0)[:, None]).astype(np.int64)
    cuts = np.column_stack([np.minimum(earlier, lengths[:, None] - 1), lengths - 1])
    widest = int(lengths.max(initial=0)) + 1
    keys = np.unique(np.arange(len(playlists))[:, None] * widest + cuts)[:limit]
    sequence, cut = keys // widest, keys % widest
    return Examples(playlists.cut_at(sequence, cut), playlists.values[playlists.offsets[sequence] + cut])


def labelled(
    sources: Sources,
    examples: Examples,
    *,
    negatives: int,
    seed: Sequence[int],
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Labelled]:
    """Batches of ``examples`` with what the ``sources`` propose, on all cores.

    About so many ``negatives`` of each example are kept, drawn by ``seed``.
    """
    batches, total = [], len(examples.targets)

    def label(start: int) -> Labelled:
        part = slice(start, start + BATCH)
        draw = np.random.default_rng((*seed, start))
        return _label(sources, examples.histories[part], examples.targets[part], negatives, draw)

    workers = ThreadPoolExecutor(os.cpu_count())
    try:
        for batch in workers.map(label, range(0, total, BATCH)):
            batches.append(batch)
            on_progress(min(len(batches) * BATCH, total), total)
    finally:
        workers.shutdown(cancel_futures=True)  # else a run that is cancelled would wait for all of them
    return batches


def _label(
    sources: Sources, histories: FlatSequences, targets: np.ndarray, negatives: int, draw: np.random.Generator
) -> Labelled:
    """The examples whose target is a candidate."""
    with one_blas_thread():
        candidates = sources.propose(histories)
    is_target = candidates.rows == targets[candidates.history]
    counts = np.bincount(candidates.history, minlength=len(histories))
    learnable = np.bincount(candidates.history, weights=is_target, minlength=len(histories)) > 0
    kept = is_target | (draw.random(len(is_target)) < (negatives / counts)[candidates.history])
    kept &= learnable[candidates.history]
    sizes = np.bincount(candidates.history[kept], minlength=len(histories))
    features = candidate_features(sources, histories, candidates, kept)
    return Labelled(features, is_target[kept], sizes[sizes > 0])
