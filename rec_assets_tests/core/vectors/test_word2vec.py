"""Without these, vectors could be of other tracks, differ between two runs, or training could wait for ever."""

import _thread
import signal
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest
from gensim.models import Word2Vec
from numba.core import caching

from rec_assets.core.base.compiled import compiled
from rec_assets.core.base.errors import DataError, SettingsError, TrainingError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.vectors import kernels
from rec_assets.core.vectors.compiled_trainer import keep_probabilities
from rec_assets.core.vectors.word2vec import (
    EmbeddingsSettings,
    Trainer,
    lowered_min_count,
    train_word2vec,
    untrained_vectors,
)
from rec_assets_tests.core.small_models import sequences_of

SMALL = EmbeddingsSettings(min_count=1, epochs=3, vector_size=8, workers=2)
BY_GENSIM = SMALL.model_copy(update={"trainer": Trainer.gensim})

both = pytest.mark.parametrize("trainer", Trainer, ids=lambda trainer: trainer.value)


def clustered(playlists: int = 400, seed: int = 0) -> FlatSequences:
    """Playlists that each stay within one of two halves of 20 tracks."""
    draw = np.random.default_rng(seed)
    return sequences_of(*[(10 * (n % 2) + draw.integers(10, size=12)).tolist() for n in range(playlists)])


@both
def test_rows_stand_in_falling_order_of_count_and_rare_tracks_are_left_out(trainer: Trainer) -> None:
    result = train_word2vec(
        sequences_of([7, 7, 7, 3], [3, 7, 5, 9], [9, 3]),
        EmbeddingsSettings(trainer=trainer, min_count=2, epochs=1, vector_size=4, workers=1),
    )

    assert result.embeddings.track_index.tolist() == [7, 3, 9]
    assert result.embeddings.count.tolist() == [4, 3, 2]
    assert result.covered_share == 9 / 10
    assert result.embeddings.output_vectors.shape == result.embeddings.input_vectors.shape == (3, 4)


@both
@pytest.mark.parametrize("sg", [0, 1])
def test_tracks_that_stand_together_get_vectors_that_do_even_where_all_counts_are_equal(
    trainer: Trainer, sg: int
) -> None:
    playlists = [[3 * trio, 3 * trio + 1, 3 * trio + 2] * 4 for trio in range(20) for _ in range(20)]
    np.random.default_rng(0).shuffle(playlists)
    settings = EmbeddingsSettings(trainer=trainer, sg=sg, min_count=1, epochs=20, vector_size=16, workers=1, sample=0)
    embeddings = train_word2vec(sequences_of(*playlists), settings).embeddings
    unit = embeddings.unit_input_vectors()
    cosines = unit @ unit.T
    same_trio = embeddings.track_index[:, None] // 3 == embeddings.track_index[None, :] // 3

    assert len(set(embeddings.count.tolist())) == 1
    assert cosines[same_trio].mean() > cosines[~same_trio].mean() + 0.3


@both
def test_reproducible_repeats_exactly_and_another_seed_differs(trainer: Trainer) -> None:
    def vectors(seed: int) -> bytes:
        settings = EmbeddingsSettings(
            trainer=trainer, min_count=1, epochs=2, vector_size=8, reproducible=True, seed=seed
        )
        return train_word2vec(clustered(), settings).embeddings.input_vectors.tobytes()

    assert vectors(1) == vectors(1)
    assert vectors(1) != vectors(2)


@both
def test_progress_reaches_the_end_and_speaks_of_epochs_speed_and_time_left(trainer: Trainer) -> None:
    reports = []
    train_word2vec(clustered(), SMALL.model_copy(update={"trainer": trainer}), reports.append)

    assert (reports[-1].epoch, reports[-1].epochs, reports[-1].share_done, reports[-1].seconds_left) == (
        3,
        3,
        1.0,
        0.0,
    )
    assert reports[-1].words_per_second > 0


@pytest.mark.timeout(60)
@pytest.mark.parametrize("method", ["_do_train_job", "_get_thread_working_mem", "_get_next_alpha"])
def test_a_dead_trainer_thread_fails_training_with_its_error(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*args: object) -> None:
        raise FloatingPointError("the vectors exploded")

    monkeypatch.setattr(Word2Vec, method, die)
    before = set(threading.enumerate())
    with pytest.raises(TrainingError, match="FloatingPointError: the vectors exploded") as caught:
        train_word2vec(clustered(5_000), BY_GENSIM)

    assert isinstance(caught.value.__cause__, FloatingPointError)
    for thread in set(threading.enumerate()) - before:
        thread.join(timeout=5)
        assert not thread.is_alive()


@pytest.mark.timeout(60)
def test_a_dead_reader_thread_fails_training_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = FlatSequences.sentences
    calls = iter(range(10))

    def die_after_counting(self: FlatSequences):
        yield from whole(self) if next(calls) == 0 else iter([[1, 2]])
        raise OSError("the disk is gone")

    sequences = clustered()
    monkeypatch.setattr(
        "rec_assets.core.vectors.gensim_trainer._Sentences.__iter__", lambda self: die_after_counting(sequences)
    )
    with pytest.raises(TrainingError, match="OSError: the disk is gone"):
        train_word2vec(sequences, BY_GENSIM)


def test_a_dead_thread_of_the_compiled_trainer_fails_training_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*args: object) -> None:
        raise FloatingPointError("the vectors exploded")

    monkeypatch.setattr(kernels, "train", die)
    with pytest.raises(TrainingError, match="FloatingPointError: the vectors exploded"):
        train_word2vec(clustered(), SMALL)


@pytest.fixture
def heeded_interrupts() -> Iterator[None]:
    """What a shell starts in the background inherits that interrupts are ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeded_interrupts")
def test_an_interrupt_ends_all_threads_at_once_even_in_a_long_playlist() -> None:
    playlists = sequences_of(clustered(40_000).values.tolist())
    train_word2vec(clustered(), SMALL)  # compiled
    long, before = EmbeddingsSettings(min_count=1, epochs=1_000, window=100), set(threading.enumerate())
    timer = threading.Timer(1, _thread.interrupt_main)
    timer.start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        train_word2vec(playlists, long)

    assert time.monotonic() - start < 5
    assert set(threading.enumerate()) - before - {timer} == set()


def test_a_cache_that_cannot_be_written_costs_time_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    monkeypatch.setattr(caching.CompileResultCacheImpl, "_locator_classes", [], raising=False)

    assert compiled(lambda number: number + 1)(1) == 2


def test_downsampling_and_noise_are_drawn_as_often_as_gensim_has_it() -> None:
    counts = np.array([900.0, 90, 10])
    model = Word2Vec(min_count=1, sample=0.01, negative=1)
    model.build_vocab_from_freq({str(place): int(count) for place, count in enumerate(counts)})

    theirs = [model.wv.get_vecattr(str(place), "sample_int") / 2**32 for place in range(3)]
    assert keep_probabilities(counts, 0.01) == pytest.approx(theirs, abs=1e-6)
    assert keep_probabilities(counts, 0).tolist() == [1, 1, 1]

    noise, drawn = np.cumsum(counts**0.75), np.empty(300_001, np.int64)
    kept, _ = kernels._draw_noise(np.uint64(7), noise, kernels.guide_of(noise), 1, drawn)
    times = np.bincount(drawn[1:kept], minlength=3)
    assert times[1] == 0  # the target
    times[1] = len(drawn) - kept
    assert times / 300_000 == pytest.approx(counts**0.75 / noise[-1], abs=0.005)


@pytest.mark.parametrize("size", [1, 5, 48])
@pytest.mark.parametrize(
    "drawn", [[3], [3, 1], [3, 1, 2], [3, 1, 1, 2], [3, 1, 2, 2, 2], [3, 1, 2, 1, 0, 5, 4]], ids=str
)
def test_a_query_and_what_is_drawn_move_as_one_after_the_other_would(drawn: list[int], size: int) -> None:
    draw = np.random.default_rng(size)
    queries, outputs = (draw.normal(size=(6, size)).astype(np.float32) for _ in range(2))
    outputs[5] = 9 * np.sign(queries[2])  # too far to learn from
    expected, moved = outputs.astype(np.float64), np.zeros(size)
    for place, other in enumerate(drawn):
        before, dot = expected[other].copy(), float(expected[other] @ queries[2])
        if abs(dot) < kernels.MAX_DOT:
            gradient = 0.05 * ((place == 0) - 1 / (1 + np.exp(-dot)))
            expected[other] += gradient * queries[2]
            moved += gradient * before
    work = np.zeros(size, np.float32)

    kernels._learn(queries, 2, np.array(drawn), outputs, work, np.float32(0.05), kernels.SIGMOID)

    np.testing.assert_allclose(outputs, expected, atol=0.002)  # the table of the sigmoid has steps of 0.003
    np.testing.assert_allclose(work, moved, atol=0.002)


@pytest.mark.parametrize("playlist", [[1] * 5 + [2] * 4 + [3], [1, 1, 2, 2, 3], [1, 2]], ids=str)
def test_a_min_count_that_leaves_less_than_two_tracks_is_refused_with_one_that_does_not(playlist) -> None:
    with pytest.raises(SettingsError, match=r"min_count=5 leaves [01] tracks, and two are needed") as caught:
        train_word2vec(sequences_of(playlist), EmbeddingsSettings(min_count=5))

    advised = int(str(caught.value).partition("Set min_count to ")[2].split()[0])
    assert len(untrained_vectors(sequences_of(playlist), advised)) == 2


@pytest.mark.parametrize("sequences", [sequences_of(), sequences_of([4, 4, 4])])
def test_nothing_to_learn_from_is_an_error_whatever_the_settings(sequences: FlatSequences) -> None:
    assert lowered_min_count(SMALL, sequences) == SMALL
    with pytest.raises(DataError, match="do not hold two different tracks"):
        train_word2vec(sequences, SMALL)


@pytest.mark.parametrize(
    ("playlist", "asked", "lowered"),
    [
        ([1, 1, 1, 2, 2, 3], 3, 2),
        ([1, 1, 1, 2, 3], 50, 1),
        ([1, 1, 2, 2], 2, 2),
        ([1, 1, 1, 2, 2, 2], 50, 50),  # the default would do: a mistake
    ],
)
def test_the_min_count_is_lowered_only_where_its_default_leaves_nothing(playlist, asked, lowered) -> None:
    assert lowered_min_count(EmbeddingsSettings(min_count=asked), sequences_of(playlist)).min_count == lowered


def test_strategies_without_vectors_have_the_vocabulary_all_the_same() -> None:
    sequences = sequences_of([7, 7, 7, 3], [3, 7, 5, 9], [9, 3])
    trained = train_word2vec(sequences, EmbeddingsSettings(min_count=2, epochs=1, vector_size=4, workers=1)).embeddings

    untrained = untrained_vectors(sequences, 2)

    assert untrained.track_index.tolist() == trained.track_index.tolist()
    assert untrained.count.tolist() == trained.count.tolist()
    assert untrained.input_vectors.shape == untrained.output_vectors.shape == (3, 1)
    with pytest.raises(SettingsError, match="min_count=9 leaves 0 tracks"):
        untrained_vectors(sequences, 9)
