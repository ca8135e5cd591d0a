"""Without these, the ranker could see other candidates or other figures of them than it learned from."""

from collections import defaultdict
from itertools import pairwise
from math import log, nan
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.ranker.closeness import BESIDE_TRACKS, IN_NEAREST, IN_PLAYLISTS
from rec_assets.core.ranker.sources import (
    FEATURES,
    PROPOSED,
    Candidates,
    NeighbourhoodSettings,
    Sources,
    candidate_features,
)
from rec_assets.core.strategies.answers import NO_TRACK, Answers, Scores
from rec_assets.core.strategies.item_knn import ItemKnn
from rec_assets.core.strategies.playlist_knn import PlaylistKnn, PlaylistScores
from rec_assets.core.strategies.track_vectors import TrackVectors, VectorQuery
from rec_assets.core.strategies.vector_scores import VectorScores
from rec_assets_tests.core.ranker.planted_rankers import sources_of
from rec_assets_tests.core.strategies import slow_strategies as slow
from rec_assets_tests.core.strategies.slow_strategies import World, lists_of, worlds

NAMES = list(PROPOSED)
VECTOR_SCORE = FEATURES.index("track_vectors_score")


def test_every_feature_of_a_small_example_is_that_of_pen_and_paper(monkeypatch: pytest.MonkeyPatch) -> None:
    # Rows are track indexes here, since no count occurs twice: 4, 3, 2, 1 and 0.
    world = World.of([0, 1, 1, -1, 2], [[0, 0, 0, 0, 1, 1, 1, 2, 2, 3]], [[1, 2, 0, 1], [3]])
    assert world.tracks.track_index.tolist() == [0, 1, 2, 3, 4]
    sources = sources_of(world)
    # By playlist KNN, item KNN, rules, vectors, artists, title, popularity.
    scores = np.array(
        [
            [4, 1, 0, -2, 3, 0.2, 4],
            [1, 2, 6, 5, 0, 0, 3],
            [0, 0, 0, nan, 0, 0, 1],
            [0, 0, 0, 1, 0, 0.4, 0],
            [0, 5, 0, nan, 0, 0, 4],
            [0, 0, 0, nan, 0, 0, 1],
        ],
        np.float32,
    )
    monkeypatch.setattr(Candidates, "scores", lambda of: scores)
    candidates = Candidates(
        history=np.array([0, 0, 0, 0, 1, 1]),
        rows=np.array([0, 1, 3, 4, 0, 3]),
        places=np.array([[n, n + 1, n + 2, n + 3, n + 4, n + 5, 1] for n in range(1, 7)], np.float32),
        best=np.array([[8, 4, 6, 5, 12, 0.4, 4], [-np.inf, 10, 0, -np.inf, -np.inf, -np.inf, 4]], np.float32),
        said={name: strategy.score(world.histories) for name, strategy in sources.strategies.items()},
    )

    features = candidate_features(sources, world.histories, candidates)

    weights = 1 + 0.9 + 0.81 + 0.729
    first, second = 0.9 / weights, (1 + 0.81 + 0.729) / weights
    expected = {
        "playlist_knn_score": [4 / 8, 1 / 8, 0, 0, nan, nan],
        "item_knn_score": [1 / 4, 2 / 4, 0, 0, 5 / 10, 0],
        "sequential_rules_score": [0, 1, 0, 0, nan, nan],
        "track_vectors_score": [7, 0, nan, 4, nan, nan],
        "artist_affinity_score": [3 / 12, 0, 0, 0, nan, nan],
        "title_words_score": [1 / 2, 0, 0, 1, nan, nan],
        "playlist_knn_place": [log(n) for n in range(1, 7)],
        "item_knn_place": [log(n) for n in range(2, 8)],
        "sequential_rules_place": [log(n) for n in range(3, 9)],
        "track_vectors_place": [log(n) for n in range(4, 10)],
        "artist_affinity_place": [log(n) for n in range(5, 11)],
        "title_words_place": [log(n) for n in range(6, 12)],
        "log_count": [log(5), log(4), log(2), log(1), log(5), log(2)],
        "artist_share": [first, second, nan, 0, 0, nan],
        "is_last_artist": [0, 1, 0, 0, 0, 0],
        "artist_is_known": [1, 1, 0, 1, 1, 0],
        "times_in_history": [1, 2, 0, 0, 0, 1],
        "steps_since": [2, 1, nan, nan, nan, 1],
        "history_length": [4, 4, 4, 4, 1, 1],
        "distinct_share": [3 / 4] * 4 + [1, 1],
        "artists_per_track": [2 / 4] * 4 + [1, 1],
        "same_artist_share": [1 / 3] * 4 + [0, 0],
        "last_log_count": [log(4)] * 4 + [log(2)] * 2,
    }
    assert [*expected, *BESIDE_TRACKS, *IN_NEAREST, *IN_PLAYLISTS] == list(FEATURES)
    assert features.dtype == np.float32
    for name, column in zip(expected, features.T, strict=False):
        np.testing.assert_allclose(column, expected[name], rtol=1e-5, err_msg=name)


def slow_candidates(sources: Sources, world: World) -> list[tuple]:
    """History, row, scores, places and best scores, one candidate after the other."""
    scores = {name: sources.strategies[name].score(world.histories) for name in NAMES}
    answers = {name: scores[name].top(PROPOSED[name]) for name in NAMES}
    lists = {name: slow.answered(answers[name]) for name in NAMES}
    found = []
    for number, own in enumerate(lists_of(world.histories)):
        for row in range(len(world.tracks)):
            proposed = [lists[name][number] for name in NAMES]
            if row not in own and not any(row in one for one in proposed):
                continue
            places = [
                one.index(row) + 1 if row in one else PROPOSED[name] + 1
                for name, one in zip(NAMES, proposed, strict=True)
            ]
            each = [scores[name].at(np.array([number]), np.array([row]))[0] for name in NAMES]
            found.append(
                (number, row, each, places, [best_score(scores[name], answers[name], number) for name in NAMES])
            )
    return found


def best_score(scores: Scores, answers: Answers, number: int) -> float:
    """That of the first answer; of products of vectors as they say it of one track, which rounds in one way alone."""
    best, first = answers.scores[number, 0], answers.rows[number, 0]
    again = scores.at(np.array([number]), np.array([first]))[0] if isinstance(scores, VectorScores) else nan
    return best if first == NO_TRACK or np.isnan(again) else again


def slow_features(sources: Sources, world: World, candidate: tuple) -> dict[str, float]:
    number, row, scores, places, best = candidate
    history, artist, count = lists_of(world.histories)[number], world.artist, world.count
    artists = [artist[track] for track in history]
    pairs = list(pairwise(artists))
    shares = slow.artist_shares(world, history, decay=0.9, length=50)
    known = artist[row] != UNKNOWN_ARTIST
    features = {
        "log_count": log(1 + count[row]),
        "artist_share": shares.get(artist[row], 0) if known else nan,
        "is_last_artist": float(known and artists[-1] == artist[row]),
        "artist_is_known": float(known),
        "times_in_history": history.count(row),
        "steps_since": history[::-1].index(row) + 1 if row in history else nan,
        "history_length": len(history),
        "distinct_share": len(set(history)) / len(history),
        "artists_per_track": len(set(artists)) / len(history),
        "same_artist_share": sum(a == b != UNKNOWN_ARTIST for a, b in pairs) / max(len(pairs), 1),
        "last_log_count": log(1 + count[history[-1]]),
    }
    for name, score, place, highest in zip(NAMES, scores, places, best, strict=True):
        features[f"{name}_place"] = log(place)
        features[f"{name}_score"] = score / highest if highest > 0 else nan
        if name == "track_vectors":
            features[f"{name}_score"] = highest - score
    return features | slow_beside(sources, history, row) | slow_nearest(sources, world, candidate)


def slow_beside(sources: Sources, history: list[int], row: int) -> dict[str, float]:
    """What the candidate ``row`` is to the last twenty tracks."""
    vectors, item_knn = sources.strategies["track_vectors"], sources.strategies["item_knn"]
    assert isinstance(vectors, TrackVectors)
    assert isinstance(item_knn, ItemKnn)

    def vector(table: np.ndarray, track: int) -> np.ndarray | None:
        return None if vectors.place[track] < 0 else table[vectors.place[track]].astype(float)

    out = vector(vectors.index.vectors[:, :-1], row)
    products: dict[int, float] = {}
    near = []
    for step, track in enumerate(history[-20:], start=-len(history[-20:])):
        other = vector(vectors.table, track)
        if out is not None and other is not None and track != row:
            products[step] = out @ other
        rows = item_knn.near.rows(np.array([track], np.int32))
        near.append(dict(zip(rows.columns.tolist(), rows.values.tolist(), strict=True)).get(row, 0.0))
    return {
        **{"near_highest": max(near), "near_mean": float(np.mean(near)), "near_last": near[-1]},
        "product_highest": max(products.values(), default=nan),
        "product_mean": sum(products.values()) / len(products) if products else nan,
        "product_last": products.get(-1, nan),
    }


def slow_nearest(sources: Sources, world: World, candidate: tuple) -> dict[str, float]:
    """What the nearest playlists, and all that hold it, tell of the candidate, against the others of its history."""
    number, row, *_ = candidate
    history, playlists = lists_of(world.histories)[number], [list(dict.fromkeys(one)) for one in world.playlists]
    sums = {track: slow_sums(sources, world, number, track) for track in range(len(world.tracks))}
    proposed = set(sources.propose(world.histories[number : number + 1]).rows.tolist())
    features = {"nearest_with_it": log(1 + sums[row][0]), "nearest_similarity": sums[row][1]}
    for place, name in enumerate(IN_NEAREST[2:7], start=2):
        highest = max(sums[track][place] for track in proposed)
        features[name] = sums[row][place] / highest if highest > 0 else 0.0
    holding = [one for one in playlists if row in one]
    lengths = [log(len(one)) for one in holding]
    places = [one.index(row) / max(len(one) - 1, 1) for one in holding]
    return features | {
        "nearest_steps": sums[row][7],
        "log_playlists": log(1 + len(holding)),
        "mean_log_length": float(np.mean(lengths)) if holding else nan,
        "mean_position": float(np.mean(places)) if holding else nan,
        "length_over_history": float(np.mean(lengths)) - log(len(history) + 1) if holding else nan,
    }


def slow_sums(sources: Sources, world: World, number: int, row: int) -> list[float]:
    """How many of the nearest playlists hold it, and the other sums of ``IN_NEAREST``, before they are shares."""
    said = sources.strategies["playlist_knn"].score(world.histories)
    assert isinstance(said, PlaylistScores)
    heard: dict[int, float] = defaultdict(float)
    start, end = said.heard.starts[number : number + 2]
    for track, weight in zip(said.heard.columns[start:end].tolist(), said.heard.values[start:end], strict=True):
        heard[track] += float(weight)
    start, end = said.nearest.starts[number : number + 2]
    similar = dict(zip(said.nearest.columns[start:end].tolist(), said.nearest.values[start:end].tolist(), strict=True))
    found = [0.0] * 7 + [1_000.0]
    holding = sum(row in one for one in world.playlists)
    for playlist, similarity in similar.items():
        own = list(dict.fromkeys(world.playlists[playlist]))
        if row not in own:
            continue
        share, damping = similarity / max(similar.values()), len(own) ** -0.5
        found[0] += 1
        found[1] = max(found[1], share)
        found[2] += share / holding**0.25
        if lists_of(world.histories)[number][-1] in own:
            found[3] += share / holding**0.25
        for place, track in enumerate(own):
            steps = own.index(row) - place
            if track not in heard or steps == 0:
                continue
            if heard[track] > 0:
                found[7] = min(found[7], abs(steps))
            if steps > 0:
                found[4] += heard[track] * 0.7165**steps * damping / holding**0.25
                found[5] += heard[track] * 0.3**steps * damping / holding**0.25
            else:
                found[6] += heard[track] * 0.7165**-steps * damping / holding**0.25
    return found


@settings(deadline=None, max_examples=50)
@given(
    worlds(),
    st.integers(0, 1_000),
    st.fixed_dictionaries({name: st.integers(1, 5) for name in NAMES}),
    st.sampled_from([0, 0.3, 1]),
)
def test_candidates_and_features_are_those_of_loops(
    world: World, seed: int, proposed: dict[str, int], share: float
) -> None:
    sources = sources_of(world, seed)
    with patch.dict(PROPOSED, proposed):
        candidates = sources.propose(world.histories)
        expected = slow_candidates(sources, world)
        slow_ones = [slow_features(sources, world, candidate) for candidate in expected]

    pairs = list(zip(candidates.history.tolist(), candidates.rows.tolist(), strict=True))
    assert pairs == [(number, row) for number, row, *_ in expected]
    np.testing.assert_allclose(candidates.scores(), [scores for *_, scores, _, _ in expected], rtol=1e-6)
    assert candidates.places.tolist() == [places for *_, places, _ in expected]
    assert candidates.best[candidates.history].tolist() == [best for *_, best in expected]

    features = candidate_features(sources, world.histories, candidates)
    for found, wanted in zip(features, slow_ones, strict=True):
        np.testing.assert_allclose(found, [wanted[name] for name in FEATURES], rtol=1e-3, atol=1e-5)
    is_best = (candidates.places[:, NAMES.index("track_vectors")] == 1) & np.isfinite(features[:, VECTOR_SCORE])
    assert not features[is_best, VECTOR_SCORE].any()
    kept = np.random.default_rng(seed).random(len(features)) < share
    some = candidate_features(sources, world.histories, candidates, kept)
    np.testing.assert_array_equal(some, features[kept])


def test_candidates_are_as_many_as_is_said_of_strategies_with_the_settings_given() -> None:
    world = slow.random_world(tracks=900, playlists=600, histories=20)
    vectors = np.random.default_rng(2).normal(size=(2, 900, 6))
    chosen = NeighbourhoodSettings(playlist_knn_decay=0.5, item_knn_window=2)

    sources = Sources.fit(world.tracks, world.training, slow.embed(world, *vectors, [True] * 900), chosen)

    assert list(sources.strategies) == NAMES
    assert sources.propose(world.histories).places.max(axis=0).tolist() == [201, 101, 101, 201, 101, 101, 51]
    playlist_knn, item_knn = (sources.strategies[name] for name in ("playlist_knn", "item_knn"))
    assert isinstance(playlist_knn, PlaylistKnn)
    assert isinstance(item_knn, ItemKnn)
    assert playlist_knn.asked.playlist_knn_decay == 0.5
    assert item_knn.near.nearness.weights.tolist() == [1, 1, 0, 1, 1]
    asked = sources.strategies["track_vectors"]
    assert isinstance(asked, TrackVectors)
    assert asked.asked == VectorQuery()


def test_a_catalog_without_artists_has_features_too() -> None:
    world = World.of([UNKNOWN_ARTIST] * 4, [[0, 1, 2], [0, 1]], [[0, 1], [3]])
    sources = sources_of(world)

    candidates = sources.propose(world.histories)
    features = dict(zip(FEATURES, candidate_features(sources, world.histories, candidates).T, strict=True))

    assert np.isnan(features["artist_share"]).all()
    assert not features["artist_is_known"].any()
    assert not features["is_last_artist"].any()
