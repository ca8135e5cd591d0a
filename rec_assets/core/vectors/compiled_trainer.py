"""The compiled trainer: threads that share the vectors without locks, each on its own part of the playlists."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

import numpy as np

from rec_assets.core.base.errors import TrainingError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.vectors import kernels

LAST_ALPHA = 0.0001  # as in gensim
_WORDS_AT_ONCE = 50_000  # after which a thread says where it is
_SECONDS_BETWEEN_LOOKS = 0.2


def train(
    frequencies: dict[int, int],
    sequences: FlatSequences,
    hyperparameters: dict[str, Any],
    report: Callable[[float], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Input and output vectors (v, d) of the tracks of ``frequencies``, in their order.

    ``report`` is called with the share (0..1) of all epochs that is done. Whatever ends this function, be it an error
    or an interrupt, ends its threads first. Raises TrainingError: a thread died.
    """
    training = _Training(frequencies, sequences, hyperparameters)
    with ThreadPoolExecutor(hyperparameters["workers"], "word2vec") as pool:
        running = {pool.submit(training.work) for _ in range(hyperparameters["workers"])}
        try:
            while running:
                done, running = wait(running, _SECONDS_BETWEEN_LOOKS)
                for worker in done:
                    worker.result()
                report(training.share_done())
        except Exception as error:
            raise TrainingError(f"a trainer thread died: {type(error).__name__}: {error}") from error
        finally:
            training.stop()
    return training.inputs, training.outputs


class _Training:
    """What the threads share: the words, the vectors, and which part is next."""

    def __init__(self, frequencies: dict[int, int], sequences: FlatSequences, hyperparameters: dict[str, Any]) -> None:
        self._settings = hyperparameters
        self._words, self._offsets = _as_words(frequencies, sequences)
        counts = np.array(list(frequencies.values()), np.float64)
        self._keep = keep_probabilities(counts, hyperparameters["sample"])
        self._noise = np.cumsum(counts ** hyperparameters["ns_exponent"])
        self._guide = kernels.guide_of(self._noise)
        shape = len(counts), hyperparameters["vector_size"]
        draws = np.random.default_rng(hyperparameters["seed"]).random(shape, np.float32)
        self.inputs, self.outputs = (2 * draws - 1) / np.float32(shape[1]), np.zeros(shape, np.float32)
        self._parts, self._lock = self._cut(), threading.Lock()
        self._stop, self._done = np.zeros(1, np.int8), 0

    def work(self) -> None:
        """Train part after part, until there are no more."""
        values = self._settings
        alphas = values["alpha"], (values["alpha"] - LAST_ALPHA) / self._total()
        noise, vectors = (self._noise, self._guide), (self.inputs, self.outputs)
        fixed = values["window"], values["negative"], alphas, values["seed"], kernels.SIGMOID, self._stop
        while (part := self._next()) is not None:
            kernels.train(bool(values["sg"]), self._words, self._offsets, part, self._keep, noise, vectors, *fixed)
            _, first, last = part
            with self._lock:
                self._done += int(self._offsets[last] - self._offsets[first])

    def stop(self) -> None:
        """Ends all threads at their next track."""
        self._stop[0] = 1
        with self._lock:
            self._parts = iter(())

    def share_done(self) -> float:
        """Share (0..1) of the words of all epochs."""
        return self._done / self._total()

    def _total(self) -> int:
        return max(1, len(self._words)) * self._settings["epochs"]

    def _next(self) -> tuple[int, int, int] | None:
        with self._lock:
            return next(self._parts, None)

    def _cut(self) -> Iterator[tuple[int, int, int]]:
        """Epoch, first and last sequence of each part."""
        sequences = len(self._offsets) - 1
        for epoch in range(self._settings["epochs"]):
            first = 0
            while first < sequences:
                end = self._offsets[first] + _WORDS_AT_ONCE
                last = max(first + 1, int(np.searchsorted(self._offsets, end, side="right")) - 1)
                yield epoch, first, last
                first = last


def _as_words(frequencies: dict[int, int], sequences: FlatSequences) -> tuple[np.ndarray, np.ndarray]:
    """(w,) int32 places in ``frequencies`` of the tracks of ``sequences``, without the others, and (n + 1,) offsets."""
    number = np.full(int(sequences.values.max()) + 1, -1, np.int32)
    number[list(frequencies)] = np.arange(len(frequencies))
    words = number[sequences.values]
    known = words >= 0
    return words[known], sequences.where(known).offsets


def keep_probabilities(counts: np.ndarray, sample: float) -> np.ndarray:
    """(v,) float32 probability by which downsampling keeps a word of so many ``counts`` (v,), as gensim has it."""
    if sample == 0:
        return np.ones(len(counts), np.float32)
    threshold = sample * counts.sum()
    return np.minimum((np.sqrt(counts / threshold) + 1) * threshold / counts, 1).astype(np.float32)
