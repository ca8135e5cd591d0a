"""The reference: gensim's Word2Vec, with an error where gensim waits for ever."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from gensim.models import Word2Vec

from rec_assets.core.base.errors import TrainingError
from rec_assets.core.base.flat_sequences import FlatSequences


def train(
    frequencies: dict[int, int],
    sequences: FlatSequences,
    hyperparameters: dict[str, Any],
    report: Callable[[float], None],
) -> tuple[np.ndarray, np.ndarray]:
    """Input and output vectors (v, d) of the tracks of ``frequencies``, in their order.

    ``report`` is called with the share (0..1) of all epochs that is done. Raises TrainingError: a thread died.
    """
    words, epochs = len(sequences.values), hyperparameters["epochs"]
    model = FailFastWord2Vec(lambda epoch, done: report((epoch + done / words) / epochs), **hyperparameters)
    # In a fixed order, so that the order of rows does not matter.
    model.build_vocab_from_freq(frequencies, corpus_count=sum(1 for _ in sequences.sentences()))
    model.train(_Sentences(sequences), total_examples=model.corpus_count, epochs=model.epochs)
    number: dict[Any, int] = model.wv.key_to_index
    rows = [number[track] for track in frequencies]
    return model.wv.vectors[rows], model.syn1neg[rows]


class _Sentences:
    """Sequences that can be read again for every epoch."""

    def __init__(self, sequences: FlatSequences) -> None:
        self._sequences = sequences

    def __iter__(self) -> Iterator[list[int]]:
        return self._sequences.sentences()


class FailFastWord2Vec(Word2Vec):
    """Word2Vec whose first error in any thread ends training.

    gensim's threads die silently: the main thread then waits for reports that never come. Here an error
    is kept, the rest of the epoch is drained without work, and the main thread raises.
    """

    def __init__(self, report: Callable[[int, int], None], **settings: Any) -> None:
        self._failure: Exception | None = None
        self._report = report
        super().__init__(**settings)

    def _train_epoch(self, *args: Any, **kwargs: Any) -> tuple[int, int, int]:
        totals = super()._train_epoch(*args, **kwargs)
        if self._failure is not None:
            raise TrainingError(
                f"a trainer thread died: {type(self._failure).__name__}: {self._failure}"
            ) from self._failure
        self._report(kwargs["cur_epoch"], totals[1])
        return totals

    def _worker_loop(self, job_queue: Any, progress_queue: Any) -> None:
        try:
            super()._worker_loop(job_queue, progress_queue)
        except Exception as error:  # noqa: BLE001 - raised again by the main thread
            self._failure = error
            while job_queue.get() is not None:
                pass
            progress_queue.put(None)

    def _do_train_job(self, sentences: Any, alpha: Any, inits: Any) -> tuple[int, int]:
        if self._failure is not None:
            return 0, 0
        return super()._do_train_job(sentences, alpha, inits)

    def _job_producer(self, data_iterator: Iterable, job_queue: Any, *args: Any, **kwargs: Any) -> None:
        try:
            super()._job_producer(self._until_failure(data_iterator), job_queue, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - raised again by the main thread
            self._failure = error
            for _ in range(self.workers):
                job_queue.put(None)

    def _until_failure(self, sentences: Iterable) -> Iterator[list[int]]:
        for sentence in sentences:
            if self._failure is not None:
                return
            yield sentence

    def _log_progress(self, *args: Any) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        cur_epoch, _, _, raw_word_count = args[2:6]
        try:
            self._report(cur_epoch, raw_word_count)
        except Exception as error:  # noqa: BLE001 - raised again when the threads have ended
            self._failure = error
