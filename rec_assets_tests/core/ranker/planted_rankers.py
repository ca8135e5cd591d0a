"""Playlists with a rule planted in them, and rankers that should learn it."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.ranker.example_pool import train_ranker
from rec_assets.core.ranker.learned import Ranker
from rec_assets.core.ranker.settings import RankerSettings
from rec_assets.core.ranker.sources import Sources
from rec_assets_tests.core.strategies.slow_strategies import World, embed

# Rankers that learn what is planted within a second.
FEW_TREES = RankerSettings(ranker_trees=12, ranker_learning_rate=0.3, ranker_more_cuts=1, ranker_seed=3)
TRACKS = 80


def walks(number: int, seed: int) -> list[list[int]]:
    """Walks along one fixed cycle of all tracks."""
    cycle = np.random.default_rng(0).permutation(TRACKS)
    draw = np.random.default_rng(seed)
    starts, lengths = draw.integers(TRACKS, size=number), draw.integers(3, 9, number)
    return [cycle[(start + np.arange(n)) % TRACKS].tolist() for start, n in zip(starts, lengths, strict=True)]


def echoes(number: int, seed: int) -> list[list[int]]:
    """Any two tracks in turn: the next is always the one before the last, which only repeats can say."""
    draw = np.random.default_rng(seed)
    pairs, lengths = draw.integers(TRACKS, size=(number, 2)), draw.integers(3, 9, number)
    return [[pair[place % 2] for place in range(n)] for pair, n in zip(pairs.tolist(), lengths, strict=True)]


def sources_of(world: World, seed: int = 5) -> Sources:
    """All strategies, with random vectors for most tracks, the most frequent one among them."""
    draw = np.random.default_rng(seed)
    inputs, outputs = draw.normal(size=(2, len(world.tracks), 6))
    has_vector = (draw.random(len(world.tracks)) < 0.7) | (np.arange(len(world.tracks)) == 0)
    return Sources.fit(world.tracks, world.training, embed(world, inputs, outputs, has_vector), FEW_TREES)


def named_ends(number: int, seed: int) -> list[list[int]]:
    """Any tracks, and at the end one of the last ten."""
    draw = np.random.default_rng(seed)
    return [[*draw.integers(TRACKS - 10, size=4).tolist(), TRACKS - 1 - place % 10] for place in range(number)]


def planted(playlists: list[list[int]], titles: Sequence[str] = ()) -> tuple[World, FlatSequences]:
    """The first two thirds train the strategies; the next sixth is held aside, the last sixth is the histories."""
    two, five = len(playlists) * 2 // 3, len(playlists) * 5 // 6
    artists = (np.arange(TRACKS) // 4).tolist()
    held_aside = World.of(artists, playlists[:two], playlists[two:five], titles[:five]).histories
    return World.of(artists, playlists[:two], playlists[five:], [*titles[:two], *titles[five:]]), held_aside


@cache
def cycle_ranker() -> Ranker:
    world, held_aside = planted(walks(300, seed=1))
    return train_ranker(sources_of(world), held_aside, FEW_TREES)
