"""Without these, vectors could be of other tracks, differ between two runs, or training could wait for ever."""

import threading

import numpy as np
import pytest
from gensim.models import Word2Vec

from rec_assets.core.base.errors import DataError, SettingsError, TrainingError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.vectors.word2vec import EmbeddingsSettings, train_word2vec, untrained_vectors
from rec_assets_tests.core.small_models import sequences_of

SMALL = EmbeddingsSettings(min_count=1, epochs=3, vector_size=8, workers=2)


def clustered(playlists: int = 400, seed: int = 0) -> FlatSequences:
    """Playlists that each stay within one of two halves of 20 tracks."""
    draw = np.random.default_rng(seed)
    return sequences_of(*[(10 * (n % 2) + draw.integers(10, size=12)).tolist() for n in range(playlists)])


def test_rows_stand_in_falling_order_of_count_and_rare_tracks_are_left_out() -> None:
    result = train_word2vec(
        sequences_of([7, 7, 7, 3], [3, 7, 5, 9], [9, 3]),
        EmbeddingsSettings(min_count=2, epochs=1, vector_size=4, workers=1),
    )

    assert result.embeddings.track_index.tolist() == [7, 3, 9]
    assert result.embeddings.count.tolist() == [4, 3, 2]
    assert result.covered_share == 9 / 10
    assert result.embeddings.output_vectors.shape == result.embeddings.input_vectors.shape == (3, 4)


def test_tracks_that_stand_together_get_vectors_that_do_even_where_all_counts_are_equal() -> None:
    playlists = [[3 * trio, 3 * trio + 1, 3 * trio + 2] * 4 for trio in range(20) for _ in range(20)]
    np.random.default_rng(0).shuffle(playlists)
    settings = EmbeddingsSettings(min_count=1, epochs=20, vector_size=16, workers=1, sample=0)
    embeddings = train_word2vec(sequences_of(*playlists), settings).embeddings
    unit = embeddings.unit_input_vectors()
    cosines = unit @ unit.T
    same_trio = embeddings.track_index[:, None] // 3 == embeddings.track_index[None, :] // 3

    assert len(set(embeddings.count.tolist())) == 1
    assert cosines[same_trio].mean() > cosines[~same_trio].mean() + 0.3


def test_reproducible_repeats_exactly_and_another_seed_differs() -> None:
    def vectors(seed: int) -> bytes:
        settings = EmbeddingsSettings(min_count=1, epochs=2, vector_size=8, reproducible=True, seed=seed)
        return train_word2vec(clustered(), settings).embeddings.input_vectors.tobytes()

    assert vectors(1) == vectors(1)
    assert vectors(1) != vectors(2)


def test_progress_reaches_the_end_and_speaks_of_epochs_speed_and_time_left() -> None:
    reports = []
    train_word2vec(clustered(), SMALL, reports.append)

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
        train_word2vec(clustered(5_000), SMALL)

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
        "rec_assets.core.vectors.word2vec._Sentences.__iter__", lambda self: die_after_counting(sequences)
    )
    with pytest.raises(TrainingError, match="OSError: the disk is gone"):
        train_word2vec(sequences, SMALL)


def test_a_min_count_above_every_count_and_nothing_to_train_on_are_errors() -> None:
    with pytest.raises(SettingsError, match="min_count=9 leaves no track: the most frequent one occurs 2 times"):
        train_word2vec(sequences_of([1, 1, 2]), EmbeddingsSettings(min_count=9))
    with pytest.raises(DataError, match="hold no track"):
        train_word2vec(sequences_of(), SMALL)


def test_strategies_without_vectors_have_the_vocabulary_all_the_same() -> None:
    sequences = sequences_of([7, 7, 7, 3], [3, 7, 5, 9], [9, 3])
    trained = train_word2vec(sequences, EmbeddingsSettings(min_count=2, epochs=1, vector_size=4, workers=1)).embeddings

    untrained = untrained_vectors(sequences, 2)

    assert untrained.track_index.tolist() == trained.track_index.tolist()
    assert untrained.count.tolist() == trained.count.tolist()
    assert untrained.input_vectors.shape == untrained.output_vectors.shape == (3, 1)
    with pytest.raises(SettingsError, match="min_count=9 leaves no track"):
        untrained_vectors(sequences, 9)
