"""The strategies as one would write them first: loops over all playlists and tracks, dictionaries of scores."""

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise

import numpy as np
from hypothesis import strategies as st

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.strategies.answers import NO_TRACK, Answers, Scores
from rec_assets.core.strategies.track_vectors import ColdQuery, Query, Scoring, VectorQuery
from rec_assets.core.strategies.tracks import Tracks
from rec_assets.core.vectors.embeddings import TrackEmbeddings
from rec_assets_tests.core import small_models

SlowScores = dict[int, float]


def sequences_of(sequences: Iterable[Sequence[int]]) -> FlatSequences:
    return small_models.sequences_of(*map(list, sequences))


def lists_of(sequences: FlatSequences) -> list[list[int]]:
    return [sequences.values[start:end].tolist() for start, end in pairwise(sequences.offsets)]


@dataclass(frozen=True)
class World:
    """Tracks, training playlists and histories, all in rows."""

    tracks: Tracks
    training: FlatSequences
    histories: FlatSequences

    @classmethod
    def of(
        cls,
        artists: Sequence[int],
        training: Sequence[list[int]],
        histories: Sequence[list[int]],
        titles: Sequence[str] = (),
    ) -> "World":
        """From lists of track indexes; ``titles``, if any, are those of training and then those of the histories."""
        tracks = Tracks.count_in(sequences_of(training), np.array(artists, np.int32))
        both = np.array(titles, object) if titles else None
        trained, asked = (
            replace(tracks.rows(sequences_of(lists)), titles=None if both is None else both[part])
            for lists, part in ((training, slice(len(training))), (histories, slice(len(training), None)))
        )
        return cls(tracks, trained, asked)

    @property
    def playlists(self) -> list[list[int]]:
        return lists_of(self.training)

    @property
    def count(self) -> list[int]:
        counted = Counter(track for playlist in self.playlists for track in playlist)
        return [counted[row] for row in range(len(self.tracks))]

    @property
    def artist(self) -> list[int]:
        return self.tracks.artist.tolist()


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Few tracks, so that ties, repeats, tracks and artists unknown in training are usual."""
    tracks = draw(st.integers(1, 9))
    track = st.integers(0, tracks - 1)
    trained = st.integers(0, draw(st.integers(0, tracks - 1)))
    # As in a catalog, there are no more artists than tracks.
    artists = draw(st.lists(st.integers(UNKNOWN_ARTIST, min(3, tracks - 1)), min_size=tracks, max_size=tracks))
    training = draw(st.lists(st.lists(trained, min_size=1, max_size=7), min_size=1, max_size=7))
    histories = draw(st.lists(st.lists(track, min_size=1, max_size=6), min_size=1, max_size=4))
    title, both = st.lists(st.sampled_from("abc"), max_size=3).map(" ".join), len(training) + len(histories)
    return World.of(artists, training, histories, draw(st.lists(title, min_size=both, max_size=both)))


def random_world(*, tracks: int = 60, playlists: int = 150, histories: int = 50, seed: int = 0) -> World:
    draw = np.random.default_rng(seed)

    def lists(number: int) -> list[list[int]]:
        starts, lengths = draw.integers(tracks, size=number), draw.integers(2, 15, number)
        # A tenth of the tracks never occurs in training.
        return [
            ((start + draw.integers(12, size=n)) % tracks).tolist() for start, n in zip(starts, lengths, strict=True)
        ]

    training = [[track for track in playlist if track % 10] for playlist in lists(playlists)]
    artists = np.where(draw.random(tracks) < 0.1, UNKNOWN_ARTIST, np.arange(tracks) // 3)
    return World.of(artists.tolist(), [playlist for playlist in training if playlist], lists(histories))


def embed(world: World, inputs: np.ndarray, outputs: np.ndarray, has_vector: Sequence[bool]) -> TrackEmbeddings:
    """Vectors (t, d) by row for the tracks of training that have one, as stored: by falling count and index."""
    indexes, counts = world.tracks.track_index, world.tracks.count
    order = np.lexsort((indexes, -counts))
    order = order[(counts[order] > 0) & np.array(has_vector)[order]]
    inputs, outputs = inputs[order].astype(np.float32), outputs[order].astype(np.float32)
    return TrackEmbeddings(indexes[order], counts[order], inputs, outputs, {})


def recency(history: list[int], decay: float, length: int) -> list[tuple[int, float]]:
    return [(track, decay**back) for back, track in enumerate(reversed(history)) if back < length]


def popularity(world: World) -> SlowScores:
    return {row: float(count) for row, count in enumerate(world.count) if count}


def artist_shares(world: World, history: list[int], *, decay: float, length: int) -> SlowScores:
    weights = recency(history, decay, length)
    shares: SlowScores = defaultdict(float)
    for track, weight in weights:
        if world.artist[track] != UNKNOWN_ARTIST:
            shares[world.artist[track]] += weight / sum(weight for _, weight in weights)
    return shares


def artist_affinity(
    world: World, history: list[int], *, tracks_per_artist: int, decay: float, length: int
) -> SlowScores:
    scores = {}
    for artist, share in artist_shares(world, history, decay=decay, length=length).items():
        own = [row for row in range(len(world.tracks)) if world.artist[row] == artist and world.count[row]]
        own.sort(key=lambda row: (-world.count[row], row))
        scores |= {row: share * math.sqrt(world.count[row]) for row in own[:tracks_per_artist]}
    return scores


def shared_and_pairs(playlists: list[set[int]]) -> tuple[float, float]:
    """How many tracks any two of the playlists share, in all; and the sum of the products of their lengths."""
    both = list(combinations(playlists, 2))
    return sum(len(one & other) for one, other in both), sum(len(one) * len(other) for one, other in both)


def title_words(
    world: World, title: str, *, lift: float, pairs: float, rows: float, read: int, kept: int
) -> SlowScores:
    assert world.training.titles is not None
    playlists = [set(own) for own in world.playlists]
    common = Counter(track for playlist in playlists for track in playlist)
    all_shared, all_products = shared_and_pairs(playlists)
    scores: SlowScores = defaultdict(float)
    for word in set(title.split()):
        has = [word in own.split() for own in world.training.titles]
        own = [playlist for playlist, is_named in zip(playlists, has, strict=True) if is_named]
        shared, products = shared_and_pairs(own[:read])
        more = (shared + pairs) / (products * all_shared / max(all_products, 1) + pairs)
        if len(own) < 2 or more < lift:
            continue
        counted = Counter(track for playlist in own[:read] for track in playlist)
        for track in sorted(counted, key=lambda track: (-counted[track], track))[:kept]:
            rest = rows * common[track] / common.total()
            scores[track] += math.log(more) * (counted[track] + rest) / (counted.total() + rows)
    return dict(scores)


def near_tracks(
    world: World,
    history: list[int],
    *,
    weight_at: Callable[[int], float],
    damping: float,
    kept: int,
    decay: float,
    length: int,
) -> SlowScores:
    """Item KNN and sequential rules: ``weight_at`` a distance, negative = before."""
    meetings: dict[int, SlowScores] = defaultdict(lambda: defaultdict(float))
    for playlist in world.playlists:
        for here, track in enumerate(playlist):
            for there, other in enumerate(playlist):
                if track != other and weight_at(there - here):
                    meetings[track][other] += weight_at(there - here)
    scores: SlowScores = defaultdict(float)
    for track, weight in recency(history, decay, length):
        damped = {o: m / (world.count[track] * world.count[o]) ** damping for o, m in meetings[track].items()}
        for other in in_order(damped, kept):
            scores[other] += weight * damped[other]
    return scores


def playlist_knn(
    world: World,
    history: list[int],
    *,
    neighbours: int,
    decay: float,
    distance_decay: float,
    length: int,
    idf_power: float,
    length_damping: float,
    popularity_damping: float,
) -> SlowScores:
    held = [list(dict.fromkeys(playlist)) for playlist in world.playlists]
    holding = {row: sum(row in playlist for playlist in held) for row in range(len(world.tracks))}
    weights: SlowScores = defaultdict(float)
    for track, weight in recency(history, decay, length):
        if holding[track]:
            weights[track] += weight * math.log((len(held) + 1) / holding[track]) ** idf_power
    similar: SlowScores = defaultdict(float)
    for number, playlist in enumerate(held):
        for track in weights.keys() & set(playlist):
            similar[number] += weights[track] / len(playlist) ** length_damping
    scores: SlowScores = defaultdict(float)
    for number in in_order(similar, neighbours):
        playlist = held[number]
        for place, track in enumerate(playlist):
            for other_place, other in enumerate(playlist):
                if track != other and other in weights:
                    near = weights[other] * distance_decay ** abs(place - other_place)
                    scores[track] += near / len(playlist) ** length_damping / holding[track] ** popularity_damping
    return scores


def track_vectors(
    world: World, embeddings: TrackEmbeddings, asked: VectorQuery, history: list[int], playlist: int
) -> tuple[SlowScores, SlowScores]:
    """Scores to answer by, and those of single tracks, which are there for the query itself, but not without one."""
    row_of = world.tracks.row_of.tolist()
    own = [row_of[index] for index in embeddings.track_index]
    vectors = dict(zip(own, embeddings.input_vectors.astype(float), strict=True))
    against = dict(zip(own, embeddings.output_vectors.astype(float), strict=True))
    prior = asked.popularity_prior
    if asked.scoring is Scoring.cosine:
        vectors = {row: vector / (np.linalg.norm(vector) or 1) for row, vector in vectors.items()}
        against, prior = vectors, 0
    queries = dict(vectors)
    for row, artist in enumerate(world.artist) if asked.cold_query is ColdQuery.artist else ():
        of_artist = [vector for other, vector in vectors.items() if world.artist[other] == artist]
        if row not in vectors and artist != UNKNOWN_ARTIST and of_artist:
            queries[row] = sum(of_artist) / len(of_artist)
    if asked.cold_query in (ColdQuery.artist, ColdQuery.history):
        history = [track for track in history if track in queries]
    weighted = recency(history, asked.query_decay, 1 if asked.query is Query.last else asked.query_length)
    weighted = [(track, weight) for track, weight in weighted if track in queries]
    if not weighted and asked.cold_query is ColdQuery.random:
        draw = hashlib.blake2b(f"{asked.cold_query_seed} {playlist}".encode(), digest_size=8).digest()
        weighted = [(sorted(vectors)[int.from_bytes(draw, "big") % len(vectors)], 1.0)]
        itself = weighted[0][0]
    elif not weighted:
        return popularity(world), {}
    else:
        itself = weighted[0][0] if asked.query is Query.last and asked.scoring is Scoring.cosine else NO_TRACK
    query = sum(weight * queries[track] for track, weight in weighted) / sum(weight for _, weight in weighted)
    if asked.scoring is Scoring.cosine:
        query = query / (np.linalg.norm(query) or 1)
    singles = {
        row: float(query @ vector) + prior * math.log(world.count[row]) for row, vector in sorted(against.items())
    }
    return {row: score for row, score in singles.items() if row != itself}, singles


def in_order(scores: SlowScores, depth: int, left_out: Iterable[int] = ()) -> list[int]:
    allowed = [row for row in scores if row not in set(left_out)]
    return sorted(allowed, key=lambda row: (-scores[row], row))[:depth]


def answered(answers: Answers) -> list[list[int]]:
    """The rows without the empty places, which are all at the end."""
    found = [[row for row in rows if row != NO_TRACK] for rows in answers.rows.tolist()]
    assert [rows + [NO_TRACK] * (answers.rows.shape[1] - len(rows)) for rows in found] == answers.rows.tolist()
    return found


def filled_up(world: World, scores: SlowScores, depth: int, left_out: Iterable[int]) -> list[int]:
    found = in_order(scores, depth, left_out)
    return (found + in_order(popularity(world), len(world.tracks), {*left_out, *found}))[:depth]


def check(
    world: World,
    scores: Scores,
    slow: Sequence[SlowScores],
    *,
    exact: bool,
    singles: Sequence[SlowScores] | None = None,
    nothing: float = 0.0,
) -> None:
    """Answers, places and single scores are those of ``slow``; unless ``exact``, up to rounding.

    Single scores are those of ``singles`` where they differ, and ``nothing`` where there is none.
    """
    tracks, histories = len(world.tracks), lists_of(world.histories)
    for depth in (1, 2, tracks, tracks + 3):
        for left_out in (None, world.histories):
            answers = scores.top(depth, left_out)
            assert answers.rows.shape == answers.scores.shape == (len(histories), depth)
            assert (answers.rows.dtype, answers.scores.dtype) == (np.int32, np.float32)
            for history, rows in enumerate(answered(answers)):
                own = histories[history] if left_out else ()
                values = [slow[history][row] for row in rows]
                np.testing.assert_allclose(answers.scores[history, : len(rows)], values, rtol=1e-4, atol=1e-5)
                expected = in_order(slow[history], depth, own)
                if exact:
                    assert rows == expected
                    ranks = answers.rank_of(np.full(len(histories), expected[-1] if expected else 0))
                    assert ranks[history] == len(expected)
                assert len(set(rows)) == len(rows) == len(expected)
                assert not set(rows) & set(own)
                best = [slow[history][row] for row in expected]
                np.testing.assert_allclose(values, best, rtol=1e-4, atol=1e-5)
    history, rows = (grid.ravel() for grid in np.mgrid[: len(histories), :tracks])
    found, each = scores.at(history, rows), slow if singles is None else singles
    wanted = [each[h].get(r, nothing) for h, r in zip(history.tolist(), rows.tolist(), strict=True)]
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
