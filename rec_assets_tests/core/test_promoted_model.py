"""A promoted model answers from its file what it answered before it was written, bit for bit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from safetensors import safe_open

from rec_assets.core.evaluation.comparison import CONTENDERS, Contender
from rec_assets.core.base.errors import SettingsError, StoreError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.promoted import PromotedModel, load_facts, load_promoted, recommend_after, save_promoted
from rec_assets.core.promoted import model as model_module
from rec_assets.core.promoted.batch import recommend_to_all
from rec_assets.core.promoted.build import build_promoted
from rec_assets.core.promoted.comparing import compare
from rec_assets.core.promoted.frozen import Freezer, thaw
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.strategies import NO_TRACK
from rec_assets_tests.core.made_promoted import DEPTH, built, named, vectors
from rec_assets_tests.core.planted_rankers import TRACKS, cycle_ranker, walks
from rec_assets_tests.core.slow_strategies import World, lists_of, sequences_of, worlds


@pytest.fixture(scope="module")
def ranker() -> PromotedModel:
    return built()


@pytest.fixture
def path(ranker: PromotedModel, tmp_path: Path) -> Path:
    save_promoted(ranker, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def answered(model: PromotedModel, histories: FlatSequences, depth: int = DEPTH) -> tuple[np.ndarray, np.ndarray]:
    parts = [answers for _, answers in model.answers(histories, depth=depth)]
    return np.concatenate([part.rows for part in parts]), np.concatenate([part.scores for part in parts])


@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda one: one.label)
def test_every_strategy_answers_the_same_from_its_file(contender: Contender, tmp_path: Path) -> None:
    model = built(contender)
    histories = model.tracks.rows(sequences_of([*walks(40, seed=3), [], [5]]))
    save_promoted(model, tmp_path / "model")
    expected = answered(model, histories)

    found = answered(load_promoted(tmp_path / "model", verify=True), histories)

    assert all(np.array_equal(one, other) for one, other in zip(expected, found, strict=True))
    assert len(np.unique(expected[0])) > DEPTH


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds())
def test_small_and_odd_worlds_survive_the_file(world: World, tmp_path: Path) -> None:
    by_index = sequences_of([[int(world.tracks.track_index[row]) for row in own] for own in lists_of(world.training)])
    artists = world.tracks.artist[world.tracks.row_of]
    recommender = Recommender(by_index, artists, vectors(len(world.tracks)), cycle_ranker())
    names = named(len(world.tracks), artists)
    contender = next(one for one in CONTENDERS if one.label == "ranker")
    if len(world.tracks) < 2:
        with pytest.raises(SettingsError, match="k=1 is above"):
            build_promoted(recommender, contender, names, depth=1, trained_on=np.empty(0, np.uint64), facts={})
        return
    model = build_promoted(recommender, contender, names, depth=1, trained_on=np.empty(0, np.uint64), facts={})
    save_promoted(model, tmp_path / "odd")

    found = load_promoted(tmp_path / "odd", verify=True)

    for one, other in zip(answered(model, world.histories, 3), answered(found, world.histories, 3), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_file_is_safetensors_without_ids_of_playlists_and_the_same_bytes_each_time(
    ranker: PromotedModel, path: Path, tmp_path: Path
) -> None:
    save_promoted(ranker, tmp_path / "again")

    content = path.read_bytes()
    assert content == (tmp_path / "again").read_bytes()
    assert b"secret-user" not in content
    with safe_open(path, framework="numpy") as file:
        np.testing.assert_array_equal(file.get_tensor("tracks.count"), ranker.tracks.count)


def test_arrays_that_strategies_share_are_kept_once(path: Path) -> None:
    with safe_open(path, framework="numpy") as file:
        names = set(file.keys())

    # The strategy has all that the reasons take.
    assert not [name for name in names if name.startswith(("similar.", "together."))]
    assert len([name for name in names if name.endswith("training.values")]) == 1


def test_what_is_open_goes_on_when_the_file_is_gone_and_cannot_be_written_to(path: Path) -> None:
    model = load_promoted(path)
    path.unlink()

    assert len(recommend_after(model, [1, 2], k=3)) == 3
    with pytest.raises(ValueError, match="read-only"):
        model.trained_on[0] = 1


@pytest.mark.parametrize("cut", [1, 8, 100, 0.5, 0.999])
def test_a_file_that_is_cut_off_is_refused(path: Path, cut: float) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * cut) if cut < 1 else cut])

    with pytest.raises(StoreError, match=r"model\.safetensors is not"):
        load_promoted(path)


def test_a_damaged_number_is_found_when_asked_for(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-100] ^= 1
    path.write_bytes(content)

    load_promoted(path)
    with pytest.raises(StoreError, match="damaged"):
        load_promoted(path, verify=True)


def test_a_file_of_another_version_of_the_package_is_refused(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_module, "FORMAT", model_module.FORMAT + 1)

    for read in (load_promoted, load_facts):
        with pytest.raises(StoreError, match=r"format 1; this version reads 2\. Run training_job"):
            read(path)


@pytest.mark.parametrize(
    "tree", [{"class": "Path", "state": {"dict": []}}, {"enum": "os", "value": 1}, {"new": 1}, {"array": "no"}]
)
def test_only_known_classes_come_out_of_a_file(tree: dict) -> None:
    with pytest.raises(StoreError, match="does not know"):
        thaw(tree, {})


def test_what_is_no_data_cannot_be_kept() -> None:
    for value in (Path("x"), lambda: 1, object()):
        with pytest.raises(TypeError, match="cannot be kept"):
            Freezer().freeze(value, "thing")


def test_the_attributes_of_what_is_kept_are_those_of_this_format(path: Path) -> None:
    """If this fails, raise FORMAT and mend the list: files written before make objects that lack attributes."""
    with safe_open(path, framework="numpy") as file:
        names = sorted(file.keys())

    assert names == sorted(LAYOUT.split())


LAYOUT = """
    names.artist
    names.artists.data
    names.artists.offsets
    names.group_keys
    names.group_offsets
    names.group_signatures
    names.place
    names.title_keys
    names.title_signatures
    names.titles.data
    names.titles.offsets
    names.tracks
    strategy._sources.strategies.artist_affinity._to_artists.data
    strategy._sources.strategies.artist_affinity._to_artists.indices
    strategy._sources.strategies.artist_affinity._to_artists.indptr
    strategy._sources.strategies.artist_affinity._to_tracks.data
    strategy._sources.strategies.artist_affinity._to_tracks.indices
    strategy._sources.strategies.artist_affinity._to_tracks.indptr
    strategy._sources.strategies.item_knn._near._matrix.data
    strategy._sources.strategies.item_knn._near._matrix.indices
    strategy._sources.strategies.item_knn._near._matrix.indptr
    strategy._sources.strategies.item_knn._near._positions
    strategy._sources.strategies.item_knn._near._scale
    strategy._sources.strategies.item_knn._near._starts
    strategy._sources.strategies.item_knn._near._step_weights
    strategy._sources.strategies.item_knn._near._steps
    strategy._sources.strategies.item_knn._near._training.ids
    strategy._sources.strategies.item_knn._near._training.offsets
    strategy._sources.strategies.item_knn._near._training.values
    strategy._sources.strategies.playlist_knn._to_playlists.data
    strategy._sources.strategies.playlist_knn._to_playlists.indices
    strategy._sources.strategies.playlist_knn._to_playlists.indptr
    strategy._sources.strategies.playlist_knn._to_tracks.data
    strategy._sources.strategies.playlist_knn._to_tracks.indices
    strategy._sources.strategies.playlist_knn._to_tracks.indptr
    strategy._sources.strategies.sequential_rules._near._matrix.data
    strategy._sources.strategies.sequential_rules._near._matrix.indices
    strategy._sources.strategies.sequential_rules._near._matrix.indptr
    strategy._sources.strategies.sequential_rules._near._positions
    strategy._sources.strategies.sequential_rules._near._scale
    strategy._sources.strategies.sequential_rules._near._starts
    strategy._sources.strategies.sequential_rules._near._step_weights
    strategy._sources.strategies.sequential_rules._near._steps
    strategy._sources.strategies.track_vectors._index._broken
    strategy._sources.strategies.track_vectors._index.place
    strategy._sources.strategies.track_vectors._index.rows
    strategy._sources.strategies.track_vectors._index.vectors
    strategy._sources.strategies.track_vectors._table
    tracks.artist
    tracks.count
    tracks.row_of
    tracks.track_index
    trained_on
"""


def test_recommendations_have_names_ranks_and_reasons(ranker: PromotedModel) -> None:
    found = recommend_after(ranker, [1, 2, 3], k=5, reasons=True)

    assert [one.rank for one in found] == [1, 2, 3, 4, 5]
    assert all(one.artist == f"Artist {int(str(one.track).split()[1]) // 4}" for one in found)
    because = [reason for one in found for reason in one.because]
    assert because
    assert {reason.track for reason in because} <= {"Track 1", "Track 2", "Track 3"}
    playlists = [set(own) for own in walks(300, seed=2)]
    for one in found:
        own = int(str(one.track).split()[1])
        for reason in one.because:
            other = int(str(reason.track).split()[1])
            assert reason.playlists == sum({own, other} <= playlist for playlist in playlists)
            pair = vectors().input_vectors[[own, other]]
            cosine = float(pair[0] @ pair[1] / np.prod(np.linalg.norm(pair, axis=1)))
            assert reason.similarity == pytest.approx(cosine, abs=1e-5)


def test_an_empty_history_or_no_k_is_refused(ranker: PromotedModel) -> None:
    for history, k in (([], 3), ([1], 0)):
        with pytest.raises(SettingsError, match="expected at least 1"):
            recommend_after(ranker, history, k=k)


def test_a_playlist_of_unknown_tracks_gets_what_is_popular_and_all_get_their_own(ranker: PromotedModel) -> None:
    mapped = np.array([NO_TRACK, 7, 9], np.int32)
    known = ranker.known_rows(sequences_of([[0, 0], [0, 1, 2]]), mapped)

    table = recommend_to_all(ranker, known, depth=4).read_all().to_pylist()

    assert known.lengths().tolist() == [0, 2]
    first, second = ([row for row in table if row["playlist_id"] == name] for name in ("p0", "p1"))
    popular = ranker.tracks.track_index[:4].tolist()
    assert [row["track"] for row in first] == [f"Track {track}" for track in popular]
    expected = recommend_after(ranker, [7, 9], k=4)
    assert [(row["rank"], row["artist"], row["track"]) for row in second] == [
        (one.rank, one.artist, one.track) for one in expected
    ]


def test_only_playlists_that_neither_model_has_seen_are_compared(ranker: PromotedModel) -> None:
    held_out = sequences_of(walks(30, seed=9))
    same = np.arange(TRACKS, dtype=np.int32)
    hashes = np.arange(1_000_000, 1_000_030, dtype=np.uint64)
    hashes[:10] = ranker.trained_on[:10]

    found = compare(ranker, same, held_out, hashes, np.arange(30), k=DEPTH, most=15, known_share=1)

    assert (found.left_out, found.candidate.tolist()) == (10, list(range(10, 25)))
    rows = ranker.tracks.rows(held_out)
    answers, _ = answered(ranker, rows.histories())
    for rank, target, own in zip(found.promoted, rows.from_the_end(0)[10:25], answers[10:25], strict=True):
        assert (own[rank - 1] == target) if rank else (target not in own)


def test_a_target_that_the_promoted_model_does_not_know_is_a_miss(ranker: PromotedModel) -> None:
    held_out = sequences_of([[1, 2, 3]])
    mapped = np.arange(TRACKS, dtype=np.int32)
    mapped[3] = NO_TRACK

    found = compare(ranker, mapped, held_out, np.array([9**9], np.uint64), np.zeros(1), k=DEPTH, most=5, known_share=1)

    assert found.promoted.tolist() == [0]
    assert replace(found, promoted=found.promoted).k == DEPTH
