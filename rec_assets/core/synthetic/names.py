"""Names of artists, tracks and playlists: each is a number that counts through words and forms."""

import numpy as np
import pyarrow as pa

from rec_assets.core.synthetic.draws import Ints, floor
from rec_assets.core.synthetic.plan import Plan
from rec_assets.core.synthetic.texts import fill, join, pick
from rec_assets.core.synthetic.tracks import SCENE_ARTISTS, draw_scene
from rec_assets.core.synthetic.words import (
    ARTIST_FORMS,
    ARTIST_WORDS,
    GENRE_NOUNS,
    GENRES,
    MOOD_NOUNS,
    MOODS,
    NAMESAKES,
    PLAYLIST_WORDS,
    TITLE_FORMS,
    TITLE_WORDS,
)

STRIDE = 7_919  # a prime that divides no number of names: steps through all of them before one comes again
QUOTED_EVERY = 1_500  # one playlist in so many has the public file's hardest name


def artist_names(scene: Ints, artist: Ints) -> pa.Array:
    """Names of artists: none twice, the nouns from the genre of their scene."""
    genre, number = scene % len(GENRES), scene // len(GENRES) * SCENE_ARTISTS + artist
    nouns_each = len(GENRE_NOUNS) // len(GENRES)
    names = len(ARTIST_WORDS) * nouns_each * len(ARTIST_FORMS)
    rest, word = np.divmod((number * STRIDE + genre * 997) % names, len(ARTIST_WORDS))
    form, noun = np.divmod(rest, nouns_each)
    noun_text = pick(GENRE_NOUNS, genre * nouns_each + noun)
    name = fill(ARTIST_FORMS, form, join(pick(ARTIST_WORDS, word), " ", noun_text))
    return join(name, pick(NAMESAKES, number // names % len(NAMESAKES)))


def track_names(plan: Plan, scene: Ints, artist: Ints, track: Ints) -> pa.Array:
    """Titles: none twice for one artist, the nouns from the mood of the scene."""
    nouns_each = len(MOOD_NOUNS) // len(MOODS)
    mood = (scene + scene // len(GENRES)) % len(MOODS)
    names = len(TITLE_WORDS) * nouns_each * len(TITLE_FORMS)
    start = floor(names * plan.uniform("titles", scene, artist))
    rest, word = np.divmod((start + track * STRIDE) % names, len(TITLE_WORDS))
    form, noun = np.divmod(rest, nouns_each)
    return fill(TITLE_FORMS, form, pick(TITLE_WORDS, word), pick(MOOD_NOUNS, mood * nouns_each + noun))


def playlist_names(plan: Plan, first: int, last: int) -> list[str]:
    """Names of the playlists ``first`` to ``last - 1``: none twice for one user."""
    playlist = np.arange(first, last)
    genres = np.array(list(GENRES))[draw_scene(plan, playlist, plan.starts[playlist]) % len(GENRES)]
    offset = floor(len(PLAYLIST_WORDS) * plan.uniform("word", plan.owners[playlist]))
    names = []
    for index, genre, start in zip(playlist, genres, offset, strict=True):
        if plan.starred[index]:
            names.append("Starred")
        elif index % QUOTED_EVERY == 7:
            names.append('"/')
        else:
            names.append(_playlist_name(genre, int(plan.numbers[index]), int(start)))
    return names


def _playlist_name(genre: str, number: int, start: int) -> str:
    rounds, word = divmod(number + start, len(PLAYLIST_WORDS))
    name = f"{genre}, {PLAYLIST_WORDS[word]}" if number % 12 == 5 else f"{PLAYLIST_WORDS[word]} {genre}"
    return f"{name} {rounds + 1}" if rounds else name
