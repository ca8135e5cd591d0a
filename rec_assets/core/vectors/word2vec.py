"""Word2Vec over track sequences, by a compiled trainer or by gensim, with progress."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from rec_assets.core.base.errors import DataError, SettingsError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.progress import REPORT_SECONDS, time_left
from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.vectors.embeddings import TrackEmbeddings


class Trainer(Enum):
    """What trains Word2Vec."""

    compiled = "compiled"
    gensim = "gensim"


class EmbeddingsSettings(Settings):
    """Hyperparameters of Word2Vec (Mikolov et al. 2013, "Distributed Representations of Words and Phrases").

    Names are gensim's, defaults the tutorial's but for ``sg``, since with history and output vectors as the query the
    hit rate of skip-gram is about a sixth above that of CBOW, and ``epochs`` and ``alpha``: half the epochs at twice
    the rate reach the same hit rate on two real sets.
    """

    trainer: Trainer = setting(
        Trainer.compiled,
        "Trainer of Word2Vec: `compiled` (this package's), or `gensim`, which takes many times longer for the same "
        "hit rate.",
    )
    min_count: int = setting(
        3,
        "Number of times that a track must occur in the training playlists to get a Word2Vec vector; rarer tracks "
        "have none.",
        ge=1,
    )
    epochs: int = setting(
        15, "Passes of Word2Vec over the training playlists; twice as many take twice as long.", ge=1, le=1_000
    )
    vector_size: int = setting(
        48,
        "Numbers in a track's Word2Vec vector (dimensions); more can tell more tracks apart, and take more time and "
        "memory.",
        ge=1,
        le=2_048,
    )
    window: int = setting(
        10, "Number of tracks before and after a track that Word2Vec takes as its context.", ge=1, le=1_000
    )
    ns_exponent: float = setting(
        0.75,
        "Word2Vec draws its negative samples in proportion to a track's count to this power: 1 = by count, 0 = all "
        "tracks alike, below 0 = rare tracks more often.",
        ge=-2,
        le=2,
    )
    sg: int = setting(
        1,
        "Variant of Word2Vec: 1 = skip-gram, 0 = CBOW, which trains about twice as fast with a slightly lower "
        "hit rate.",
        ge=0,
        le=1,
    )
    negative: int = setting(
        5,
        "Random tracks that Word2Vec contrasts with each pair of neighbouring tracks (negative samples); training "
        "takes longer with more.",
        ge=1,
        le=100,
    )
    sample: float = setting(
        0.001,
        "Word2Vec skips some occurrences of tracks that make up more than this share of the training rows "
        "(subsampling); 0 = none.",
        ge=0,
        lt=1,
    )
    alpha: float = setting(
        0.05,
        "Learning rate of Word2Vec in its first epoch; it falls evenly to 0.0001 in the last one.",
        ge=0.0001,
        le=1,
    )
    workers: int = setting(
        3,
        "Training threads of Word2Vec. With two or more, no two runs give the same vectors; see `reproducible`.",
        ge=1,
        le=64,
    )
    seed: int = setting(1, "Seed of Word2Vec's random choices.", ge=0, lt=2**32)
    reproducible: bool = setting(
        False,
        "Whether Word2Vec is trained on one thread, whatever `workers` says, so that the same input gives the same "
        "bytes. Slower.",
    )

    def hyperparameters(self) -> dict[str, Any]:
        """The settings as gensim's ``Word2Vec`` takes them."""
        values = self.model_dump(include=set(EmbeddingsSettings.model_fields) - {"reproducible", "trainer"})
        return {**values, "workers": 1 if self.reproducible else self.workers}


@dataclass(frozen=True)
class TrainingProgress:
    """The current ``epoch`` (1 = first), the share (0..1) of all epochs done, speed, and time left."""

    epoch: int
    epochs: int
    share_done: float
    words_per_second: float
    seconds_left: float

    def __str__(self) -> str:
        """For a log."""
        speed = f", {self.words_per_second:,.0f} tracks/s, {time_left(self.seconds_left)}"
        done = f"epoch {self.epoch} of {self.epochs}, {self.share_done:.0%} done"
        return f"{done}{speed if 0 < self.share_done < 1 else ''}"


@dataclass(frozen=True)
class TrainingResult:
    """A model, the share (0..1) of the training rows whose track it has, and rows per second over all epochs."""

    embeddings: TrackEmbeddings
    covered_share: float
    words_per_second: float


def train_word2vec(
    sequences: FlatSequences,
    settings: EmbeddingsSettings,
    on_progress: Callable[[TrainingProgress], None] = lambda progress: None,
) -> TrainingResult:
    """Train on whole ``sequences`` of track indexes; with one worker the same input gives the same bytes.

    ``on_progress`` is called from the main thread about every five seconds and at the end.

    Raises DataError, SettingsError: see :func:`count_vocabulary`; TrainingError: a trainer thread died.
    """
    frequencies = count_vocabulary(sequences, settings.min_count)
    words = len(sequences.values)
    clock = _Clock(words * settings.epochs, settings.epochs, on_progress)
    # Each brings a library that takes its time to import.
    if settings.trainer is Trainer.gensim:
        from rec_assets.core.vectors.gensim_trainer import train
    else:
        from rec_assets.core.vectors.compiled_trainer import train
    inputs, outputs = train(frequencies, sequences, settings.hyperparameters(), clock.report)
    embeddings = TrackEmbeddings(
        track_index=np.array(list(frequencies), np.int32),
        count=np.array(list(frequencies.values()), np.int64),
        input_vectors=inputs,
        output_vectors=outputs,
        hyperparameters=settings.hyperparameters(),
    )
    return TrainingResult(embeddings, int(embeddings.count.sum()) / words, clock.words_per_second())


def untrained_vectors(sequences: FlatSequences, min_count: int) -> TrackEmbeddings:
    """The vocabulary with vectors of one dimension that are all 0, for strategies that do not use them.

    Raises as :func:`count_vocabulary` does.
    """
    frequencies = count_vocabulary(sequences, min_count)
    tracks, counts = np.array(list(frequencies), np.int32), np.array(list(frequencies.values()), np.int64)
    zeros = np.zeros((len(frequencies), 1), np.float32)
    return TrackEmbeddings(tracks, counts, zeros, zeros, {"trained": False, "min_count": min_count})


def count_vocabulary(sequences: FlatSequences, min_count: int) -> dict[int, int]:
    """Occurrences by track index, the most frequent first, of tracks that reach ``min_count``.

    Raises DataError: there are not two tracks; SettingsError: not two are frequent enough.
    """
    counts = np.bincount(sequences.values, minlength=2)
    second = _second(counts)
    if second == 0:
        raise DataError("the training playlists do not hold two different tracks. Bring more or longer playlists.")
    kept = np.flatnonzero(counts >= min_count)
    if len(kept) < 2:
        raise SettingsError(
            f"min_count={min_count} leaves {len(kept)} tracks, and two are needed, to find one by the other: the "
            f"second most frequent one occurs {second} times in these training playlists. Set min_count to "
            f"{min(second, _default_min_count())} or less, or bring more playlists."
        )
    order = kept[np.argsort(-counts[kept], kind="stable")]
    return dict(zip(order.tolist(), counts[order].tolist(), strict=True))


def lowered_min_count(
    settings: EmbeddingsSettings, sequences: FlatSequences, warn: Callable[[str], None] = lambda sentence: None
) -> EmbeddingsSettings:
    """``settings`` with a lower ``min_count`` where neither theirs nor the default leaves two tracks to train on.

    ``warn`` is called with a sentence that says so. A ``min_count`` above the default that leaves less is a mistake,
    which :func:`count_vocabulary` reports.
    """
    second = _second(np.bincount(sequences.values, minlength=2))
    if not 0 < second < min(settings.min_count, _default_min_count()):
        return settings
    warn(
        f"min_count is lowered from {settings.min_count} to {second}: no two tracks occur more often in "
        f"{len(sequences):,} training playlists. More playlists would do without."
    )
    return settings.model_copy(update={"min_count": second})


def _default_min_count() -> int:
    return EmbeddingsSettings.model_fields["min_count"].default


def _second(counts: np.ndarray) -> int:
    """How often the second most frequent track occurs; 0 if there is none."""
    return int(np.partition(counts, -2)[-2])


class _Clock:
    """Turns shares of all epochs into progress, at most one report every few seconds."""

    def __init__(self, words: int, epochs: int, on_progress: Callable[[TrainingProgress], None]) -> None:
        self._words, self._epochs, self._on_progress = words, epochs, on_progress
        self._start = self._last_report = time.monotonic()
        self._done = 0.0

    def report(self, done: float) -> None:
        self._done = min(done, 1.0)
        now = time.monotonic()
        if now - self._last_report < REPORT_SECONDS and self._done < 1:
            return
        self._last_report = now
        epoch = min(int(self._done * self._epochs) + 1, self._epochs)
        left = (1 - self._done) * self._words
        speed = self.words_per_second()
        self._on_progress(TrainingProgress(epoch, self._epochs, self._done, speed, left / speed))

    def words_per_second(self) -> float:
        return max(self._done * self._words, 1) / max(time.monotonic() - self._start, 1e-9)
