"""Word2Vec over track sequences, by gensim, with progress."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from rec_assets.core.embeddings import Hyperparameters, TrackEmbeddings
from rec_assets.core.errors import DataError, SettingsError
from rec_assets.core.fail_fast_word2vec import FailFastWord2Vec
from rec_assets.core.flat_sequences import FlatSequences

REPORT_SECONDS = 5.0


@dataclass(frozen=True)
class TrainingProgress:
    """Where training stands: ``epoch`` (1 = first) and the share of all epochs done, speed, and time left."""

    epoch: int
    epochs: int
    share_done: float
    words_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class TrainingResult:
    """A model, and what training it took.

    Attributes:
        embeddings: the model.
        covered_share: share (0..1) of the training rows whose track is in the vocabulary.
        words_per_second: training rows read per second, over all epochs.
    """

    embeddings: TrackEmbeddings
    covered_share: float
    words_per_second: float


class _Sentences:
    """Sequences that can be read again for every epoch."""

    def __init__(self, sequences: FlatSequences) -> None:
        self._sequences = sequences

    def __iter__(self) -> Iterator[list[int]]:
        return self._sequences.sentences()


def train_word2vec(
    sequences: FlatSequences,
    hyperparameters: Hyperparameters,
    on_progress: Callable[[TrainingProgress], None] = lambda progress: None,
) -> TrainingResult:
    """Train on whole sequences; with one worker the same input gives the same bytes, in any process.

    Args:
        sequences: track indexes of the training playlists.
        hyperparameters: see :class:`Hyperparameters`.
        on_progress: called from the main thread about every five seconds and at the end.

    Raises:
        DataError: there is nothing to train on.
        SettingsError: ``min_count`` leaves no track.
        TrainingError: a trainer thread died.
    """
    frequencies = count_vocabulary(sequences, hyperparameters.min_count)
    words = len(sequences.values)
    clock = _Clock(words, hyperparameters.epochs, on_progress)
    model = FailFastWord2Vec(clock.report, **hyperparameters.as_dict())
    # In a fixed order, so that the order in which rows came plays no part.
    model.build_vocab_from_freq(frequencies, corpus_count=sum(1 for _ in sequences.sentences()))
    model.train(_Sentences(sequences), total_examples=model.corpus_count, epochs=model.epochs)
    tracks = [int(str(key)) for key in model.wv.index_to_key]
    embeddings = TrackEmbeddings(
        track_index=np.array(tracks, np.int32),
        count=np.array([frequencies[track] for track in tracks], np.int64),
        input_vectors=model.wv.vectors,
        output_vectors=model.syn1neg,
        hyperparameters=hyperparameters.as_dict(),
    )
    return TrainingResult(embeddings, int(embeddings.count.sum()) / words, clock.words_per_second())


def count_vocabulary(sequences: FlatSequences, min_count: int) -> dict[int, int]:
    """Occurrences by track index, the most frequent first, of tracks that reach ``min_count``.

    Raises:
        DataError: there is no track.
        SettingsError: no track is frequent enough.
    """
    if len(sequences.values) == 0:
        raise DataError("the training playlists hold no track; materialize their splits from more playlists.")
    counts = np.bincount(sequences.values)
    kept = np.flatnonzero(counts >= min_count)
    if len(kept) == 0:
        raise SettingsError(
            f"min_count={min_count} leaves no track: the most frequent one occurs {counts.max()} times in "
            f"these training playlists. Set min_count to {counts.max()} or less, or bring more playlists (for "
            "base_embeddings, a lower ranker_share leaves more)."
        )
    order = kept[np.argsort(-counts[kept], kind="stable")]
    return dict(zip(order.tolist(), counts[order].tolist(), strict=True))


class _Clock:
    """Turns counts of words into progress, at most one report every few seconds."""

    def __init__(self, words: int, epochs: int, on_progress: Callable[[TrainingProgress], None]) -> None:
        self._words, self._epochs, self._on_progress = words, epochs, on_progress
        self._start = self._last_report = time.monotonic()
        self._done = 0

    def report(self, epoch: int, words_in_epoch: int) -> None:
        self._done = epoch * self._words + words_in_epoch
        now = time.monotonic()
        finished = self._done >= self._epochs * self._words
        if now - self._last_report < REPORT_SECONDS and not finished:
            return
        self._last_report = now
        speed = self.words_per_second()
        left = self._epochs * self._words - self._done
        self._on_progress(
            TrainingProgress(epoch + 1, self._epochs, self._done / (self._done + left), speed, left / speed)
        )

    def words_per_second(self) -> float:
        return max(self._done, 1) / max(time.monotonic() - self._start, 1e-9)
