"""A promoted model answers from its file what was measured; without this readers get other lists, names or reasons."""

from dataclasses import replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pytest

from rec_assets.core.base.errors import UnreadableError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.names.likeness import normalise
from rec_assets.core.names.track_names import TrackNames
from rec_assets.core.promoted.batch import recommend_to_all
from rec_assets.core.promoted.comparing import compare, own_index
from rec_assets.core.promoted.model import PromotedModel, open_promoted, read_facts, save_promoted
from rec_assets.core.promoted.recommendations import Request, known_title_words, recommend_after, recommend_after_each
from rec_assets.core.recommender.recommender import save_recommender
from rec_assets.core.strategies.answers import NO_TRACK
from rec_assets_tests.core.promoted.small_promoted import ARTISTS, DEPTH, LINEAGE, built, fitted, named, vectors
from rec_assets_tests.core.ranker.planted_rankers import TRACKS, walks
from rec_assets_tests.core.recommender import small_recommenders
from rec_assets_tests.core.strategies.slow_strategies import sequences_of


@pytest.fixture(scope="module")
def ranker() -> PromotedModel:
    return built()


@pytest.fixture
def path(ranker: PromotedModel, tmp_path: Path) -> Path:
    save_promoted(ranker.recommender, ranker.names, ranker.facts, LINEAGE, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def answered(model: PromotedModel, histories: FlatSequences, depth: int = DEPTH) -> tuple[np.ndarray, np.ndarray]:
    parts = [answers for _, answers in model.recommender.answers(histories, depth=depth)]
    return np.concatenate([part.rows for part in parts]), np.concatenate([part.scores for part in parts])


def test_a_file_has_the_same_answers_names_and_facts(ranker: PromotedModel, path: Path) -> None:
    histories = ranker.recommender.tracks.rows(sequences_of([*walks(40, seed=3), [], [5]]))

    found = open_promoted(path)

    for one, other in zip(answered(ranker, histories), answered(found, histories), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(np.unique(answered(found, histories)[0])) > DEPTH
    assert found.facts == ranker.facts
    assert read_facts(path) == (ranker.facts, LINEAGE)
    assert [title for _, title in found.names.of(np.arange(TRACKS))] == [f"Track {track}" for track in range(TRACKS)]
    again = path.with_name("again")
    save_promoted(found.recommender, found.names, found.facts, LINEAGE, again)
    assert again.read_bytes() == path.read_bytes()


def test_what_is_open_goes_on_when_the_file_is_gone_and_cannot_be_written_to(path: Path) -> None:
    model = open_promoted(path)
    path.unlink()

    assert len(recommend_after(model, [1, 2], k=3)) == 3
    with pytest.raises(ValueError, match="read-only"):
        model.recommender.trained_on[0] = 1


def test_a_recommender_that_was_not_promoted_is_no_promoted_model(path: Path) -> None:
    save_recommender(fitted(), path, {"rec_assets.lineage": LINEAGE.to_json()})

    with pytest.raises(UnreadableError, match="is no promoted model"):
        open_promoted(path)


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


def test_a_playlist_of_unknown_tracks_gets_what_is_popular_and_all_get_their_own(ranker: PromotedModel) -> None:
    mapped = np.array([NO_TRACK, 7, 9], np.int32)
    known = ranker.known_rows(sequences_of([[0, 0], [0, 1, 2]]), mapped)

    playlists = pa.table({"user_id": ["a-b", "a"], "playlist": ["c", "b-c"]})
    table = recommend_to_all(ranker, known, playlists, depth=4).read_all().to_pylist()

    assert known.lengths().tolist() == [0, 2]
    first, second = (
        [row for row in table if (row["user_id"], row["playlist"]) == one] for one in (("a-b", "c"), ("a", "b-c"))
    )
    popular = ranker.recommender.tracks.track_index[:4].tolist()
    assert [row["track"] for row in first] == [f"Track {track}" for track in popular]
    expected = recommend_after(ranker, [7, 9], k=4)
    assert [(row["rank"], row["artist"], row["track"]) for row in second] == [
        (one.rank, one.artist, one.track) for one in expected
    ]


def test_a_title_answers_alone_and_beside_tracks_and_its_known_words_are_named() -> None:
    recommender = small_recommenders.fitted(strategy="title_words")
    artists = np.maximum(small_recommenders.ARTISTS, 0)
    model = built(recommender, named(len(artists), artists))

    alone, both, tracks, nothing = recommend_after_each(
        model, [Request([], 5, title="My gym!"), Request([310], 5, title="gym"), Request([310], 5), Request([], 5)]
    )

    assert known_title_words(model, "Été – 2016, my GYM; gym") == ["ete", "gym"]
    assert known_title_words(built(), "gym") == []
    numbers = [int(str(one.track).split()[1]) for one in alone]
    assert all(number >= 300 or number < 20 for number in numbers)
    assert all(one.score is not None for one in alone)
    assert [one.track for one in alone] != [one.track for one in nothing]
    assert [(one.track, one.score) for one in both] != [(one.track, one.score) for one in tracks]


def spelt_twice() -> TrackNames:
    """Every track and the fourth after it, or before it, are one song in two spellings, of the artist also."""
    artists = [("Ärtist {}", "ARTIST  {}!")[number % 2].format(number // 2) for number in range(TRACKS // 4)]
    titles = [("Song ({})", "sông {}")[track % 8 // 4].format(track % 4) for track in range(TRACKS)]
    return TrackNames.build(pa.array(artists), ARTISTS, pa.array(titles), np.ones(TRACKS, np.int64))


@pytest.mark.parametrize(
    "settings", [{}, {"repeats": "allowed"}, {"repeats": "left_out"}, {"strategy": "playlist_knn"}], ids=str
)
@pytest.mark.parametrize("k", [1, 5, 34])
def test_of_two_spellings_one_is_recommended_and_none_of_a_track_of_the_history(settings: dict, k: int) -> None:
    model = built(fitted(**settings), spelt_twice())
    histories = [*walks(20, seed=4), [1, 2, 5], [6, 1], []]
    asked = model.recommender.tracks.rows(sequences_of(histories))
    everything, _ = answered(model, asked, depth=TRACKS)
    spelt = [(normalise(artist or ""), normalise(title or "")) for artist, title in model.names.of(np.arange(TRACKS))]
    assert len(set(spelt)) == TRACKS // 2

    names = [f"p{number}" for number in range(len(histories))]
    playlists = pa.table({"user_id": pa.nulls(len(names), pa.string()), "playlist": names})
    table = recommend_to_all(model, asked, playlists, depth=k).read_all().to_pylist()

    for number, history in enumerate(histories):
        taken = set() if settings.get("repeats") == "allowed" else {spelt[track] for track in history}
        expected = []
        for track in model.recommender.tracks.track_index[everything[number][everything[number] != NO_TRACK]].tolist():
            if spelt[track] not in taken or (track in history and spelt[track] not in map(spelt.__getitem__, expected)):
                taken.add(spelt[track])
                expected.append(track)
        own = [row for row in table if row["playlist"] == names[number]]
        assert [(row["artist"], row["track"]) for row in own] == model.names.of(np.array(expected[:k]))
        assert [row["rank"] for row in own] == list(range(1, len(own) + 1))
        if history:
            alone = [(one.rank, one.artist, one.track) for one in recommend_after(model, history, k=k)]
            assert alone == [(row["rank"], row["artist"], row["track"]) for row in own]


def test_tracks_are_found_in_another_catalog_by_artist_and_title_or_by_one_of_them() -> None:
    ours = [("a", "x"), (None, "x"), ("a", None), ("b", "x")]
    names = TrackNames.build(pa.array(["a", "b"]), np.array([0, -1, 0, 1]), pa.array(["x", "x", None, "x"]), np.ones(4))
    other = [("b", "x"), ("a", None), ("c", "x"), (None, "x"), ("a", "x"), ("x", "a"), (None, None)]

    with duckdb.connect() as connection:
        columns = {"track_index": range(len(other)), "artist": [a for a, _ in other], "track": [t for _, t in other]}
        found = own_index(connection, connection.from_arrow(pa.table(columns)), names)

    assert found.tolist() == [ours.index(name) if name in ours else NO_TRACK for name in other]


def test_only_playlists_that_neither_model_has_seen_are_compared(ranker: PromotedModel) -> None:
    same = np.arange(TRACKS, dtype=np.int32)
    held_out = sequences_of(walks(30, seed=9))
    held_out.ids[10:] += np.uint64(1_000_000)

    found = compare(ranker, same, held_out, np.arange(30), k=DEPTH, most=15, known_share=1)

    assert (found.left_out, found.candidate.tolist()) == (10, list(range(10, 25)))
    rows = ranker.recommender.tracks.rows(held_out)
    answers, _ = answered(ranker, rows.histories())
    for rank, target, own in zip(found.promoted, rows.from_the_end(0)[10:25], answers[10:25], strict=True):
        assert (own[rank - 1] == target) if rank else (target not in own)


def test_a_target_that_the_promoted_model_does_not_know_is_a_miss(ranker: PromotedModel) -> None:
    held_out = replace(sequences_of([[1, 2, 3]]), ids=np.array([9**9], np.uint64))
    mapped = np.arange(TRACKS, dtype=np.int32)
    mapped[3] = NO_TRACK

    found = compare(ranker, mapped, held_out, np.zeros(1), k=DEPTH, most=5, known_share=1)

    assert found.promoted.tolist() == [0]
