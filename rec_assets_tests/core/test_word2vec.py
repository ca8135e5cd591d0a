"""Training: what is learned, what is told, and what happens when a thread dies."""

import threading

import numpy as np
import pytest
from gensim.models import Word2Vec

from rec_assets.core.vectors.embeddings import Hyperparameters
from rec_assets.core.base.errors import DataError, SettingsError, TrainingError
from rec_assets.core.base.flat_sequences import LONGEST_SENTENCE, FlatSequences
from rec_assets.core.vectors.word2vec import train_word2vec
from rec_assets_tests.core.made_models import sequences_of

SMALL = Hyperparameters(min_count=1, epochs=3, vector_size=8, workers=2)


def clustered(playlists: int = 400, seed: int = 0) -> FlatSequences:
    """Playlists that each stay within one of two halves of 20 tracks."""
    draw = np.random.default_rng(seed)
    return sequences_of(*[(10 * (n % 2) + draw.integers(10, size=12)).tolist() for n in range(playlists)])


def test_tracks_of_one_cluster_come_to_lie_together() -> None:
    model = train_word2vec(clustered(), Hyperparameters(min_count=1, epochs=20, vector_size=8, workers=1, sample=0))
    unit = model.embeddings.unit_input_vectors()
    cosines = unit @ unit.T
    same = (model.embeddings.track_index[:, None] < 10) == (model.embeddings.track_index[None, :] < 10)

    assert cosines[same].mean() > cosines[~same].mean() + 0.3


def test_rows_stand_in_falling_order_of_count_and_rare_tracks_are_left_out() -> None:
    result = train_word2vec(
        sequences_of([7, 7, 7, 3], [3, 7, 5, 9], [9, 3]),
        Hyperparameters(min_count=2, epochs=1, vector_size=4, workers=1),
    )

    assert result.embeddings.track_index.tolist() == [7, 3, 9]
    assert result.embeddings.count.tolist() == [4, 3, 2]
    assert result.covered_share == 9 / 10
    assert result.embeddings.output_vectors.shape == result.embeddings.input_vectors.shape == (3, 4)


def test_every_row_is_its_own_track_even_where_counts_are_equal() -> None:
    playlists = [[3 * trio, 3 * trio + 1, 3 * trio + 2] * 4 for trio in range(20) for _ in range(40)]
    np.random.default_rng(0).shuffle(playlists)
    settings = Hyperparameters(min_count=1, epochs=20, vector_size=16, workers=1, sample=0)
    embeddings = train_word2vec(sequences_of(*playlists), settings).embeddings
    unit = embeddings.unit_input_vectors()
    cosines = unit @ unit.T
    same_trio = embeddings.track_index[:, None] // 3 == embeddings.track_index[None, :] // 3

    assert len(set(embeddings.count.tolist())) == 1
    assert cosines[same_trio].mean() > cosines[~same_trio].mean() + 0.3


def test_one_worker_repeats_exactly_and_another_seed_differs() -> None:
    def vectors(seed: int) -> bytes:
        settings = Hyperparameters(min_count=1, epochs=2, vector_size=8, workers=1, seed=seed)
        return train_word2vec(clustered(), settings).embeddings.input_vectors.tobytes()

    assert vectors(1) == vectors(1)
    assert vectors(1) != vectors(2)


def test_a_sequence_longer_than_gensim_reads_is_cut_and_not_cut_off() -> None:
    long = list(range(LONGEST_SENTENCE + 5))
    pieces = list(sequences_of(long, [1, 2]).sentences())

    assert [len(piece) for piece in pieces] == [LONGEST_SENTENCE, 5, 2]
    assert pieces[0] + pieces[1] == long


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
    before = threading.active_count()
    with pytest.raises(TrainingError, match="FloatingPointError: the vectors exploded") as caught:
        train_word2vec(clustered(5_000), SMALL)

    assert isinstance(caught.value.__cause__, FloatingPointError)
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.daemon:
            thread.join(timeout=5)
    assert threading.active_count() <= before


@pytest.mark.timeout(60)
def test_a_dead_reader_thread_fails_training_with_its_error(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = FlatSequences.sentences
    calls = iter(range(10))

    def die_after_counting(self: FlatSequences):
        yield from whole(self) if next(calls) == 0 else iter([[1, 2]])
        raise OSError("the disk is gone")

    sequences = clustered()
    monkeypatch.setattr("rec_assets.core.vectors.word2vec._Sentences.__iter__", lambda self: die_after_counting(sequences))
    with pytest.raises(TrainingError, match="OSError: the disk is gone"):
        train_word2vec(sequences, SMALL)


def test_a_min_count_above_every_count_and_nothing_to_train_on_are_errors() -> None:
    with pytest.raises(SettingsError, match="min_count=9 leaves no track: the most frequent one occurs 2 times"):
        train_word2vec(sequences_of([1, 1, 2]), Hyperparameters(min_count=9))
    with pytest.raises(DataError, match="hold no track"):
        train_word2vec(sequences_of(), SMALL)
