"""Which track each row plays (scenes, runs of one artist, and the tail), and what all of them are called.

A name is a number that counts through words and forms; the texts are put together in Arrow.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from rec_assets.core.synthetic import words
from rec_assets.core.synthetic.plan import Ints, Plan, floor

# A scene: a few artists with a few much played tracks each, and many more artists and tracks heard once.
SCENE_ARTISTS, HEAD_ARTISTS = 80, 16
ARTIST_TRACKS, HEAD_TRACKS = 28, 8
STRIDE = 7_919  # a prime that divides no number of names: steps through all of them before one comes again
QUOTED_EVERY = 1_500  # one playlist in so many has the public file's hardest name
SKEW = 1.3  # of the popularity of scenes, artists and tracks; 1 is none


def draw_tracks(plan: Plan, row: Ints, playlist: Ints) -> tuple[Ints, Ints, Ints]:
    """Scene, artist within the scene and track within the artist, for each row of whole playlists."""
    change = (row == plan.starts[playlist]) | (plan.uniform("change", row) < plan.habits.scene_change)
    scene = draw_scene(plan, playlist, since := _last_true(change, row))
    run = _last_true(change | (plan.uniform("run", row) < plan.habits.artist_change), row)
    artist = floor(HEAD_ARTISTS * plan.uniform("head artist", run) ** SKEW)
    first = floor(HEAD_TRACKS * plan.uniform("head track", run, since) ** SKEW)
    track = (first + row - run) % HEAD_TRACKS
    tail = plan.uniform("tail", row) < plan.habits.tail
    # A playlist seldom repeats a track; what would come again is drawn from the tail instead.
    tail |= _is_repeat(playlist, (scene * HEAD_ARTISTS + artist) * HEAD_TRACKS + track)
    artist[tail] = floor(SCENE_ARTISTS * plan.uniform("tail artist", row[tail]))
    track[tail] = HEAD_TRACKS + floor((ARTIST_TRACKS - HEAD_TRACKS) * plan.uniform("tail track", row[tail]))
    return scene, artist, track


def draw_scene(plan: Plan, playlist: Ints, since: Ints) -> Ints:
    """The scene of a stretch that began at row ``since``: one of the playlist's few, mostly its owner's."""
    length = plan.starts[playlist + 1] - plan.starts[playlist]
    slot = floor((2 + length // 40) * plan.uniform("slot", since))
    favourite = floor(4 * plan.uniform("favourite", playlist, slot))
    own = plan.uniform("own scene", plan.owners[playlist], favourite)
    other = plan.uniform("other scene", playlist, slot)
    return floor(plan.scenes * np.where(plan.uniform("own", playlist, slot) < 0.8, own, other) ** SKEW)


def _last_true(flags: NDArray[np.bool_], row: Ints) -> Ints:
    """For each row the last row up to it whose flag is set."""
    return np.maximum.accumulate(np.where(flags, row, row[0]))


def _is_repeat(playlist: Ints, track: Ints) -> NDArray[np.bool_]:
    key = (playlist - playlist[0]) * (int(track.max()) + 1) + track
    order = np.argsort(key, kind="stable")
    repeat = np.zeros(len(key), dtype=np.bool_)
    repeat[order[1:]] = key[order[1:]] == key[order[:-1]]
    return repeat


def artist_names(scene: Ints, artist: Ints) -> pa.Array:
    """Names of artists: none twice, the nouns from the genre of their scene."""
    genre, number = scene % len(words.GENRES), scene // len(words.GENRES) * SCENE_ARTISTS + artist
    nouns_each = len(words.GENRE_NOUNS) // len(words.GENRES)
    names = len(words.ARTIST_WORDS) * nouns_each * len(words.ARTIST_FORMS)
    rest, word = np.divmod((number * STRIDE + genre * 997) % names, len(words.ARTIST_WORDS))
    form, noun = np.divmod(rest, nouns_each)
    noun_text = pick(words.GENRE_NOUNS, genre * nouns_each + noun)
    name = fill(words.ARTIST_FORMS, form, join(pick(words.ARTIST_WORDS, word), " ", noun_text))
    return join(name, pick(words.NAMESAKES, number // names % len(words.NAMESAKES)))


def track_names(plan: Plan, scene: Ints, artist: Ints, track: Ints) -> pa.Array:
    """Titles: none twice for one artist, the nouns from the mood of the scene."""
    nouns_each = len(words.MOOD_NOUNS) // len(words.MOODS)
    mood = (scene + scene // len(words.GENRES)) % len(words.MOODS)
    names = len(words.TITLE_WORDS) * nouns_each * len(words.TITLE_FORMS)
    start = floor(names * plan.uniform("titles", scene, artist))
    rest, word = np.divmod((start + track * STRIDE) % names, len(words.TITLE_WORDS))
    form, noun = np.divmod(rest, nouns_each)
    return fill(
        words.TITLE_FORMS, form, pick(words.TITLE_WORDS, word), pick(words.MOOD_NOUNS, mood * nouns_each + noun)
    )


def playlist_names(plan: Plan, first: int, last: int) -> list[str]:
    """Names of the playlists ``first`` to ``last - 1``: none twice for one user."""
    playlist = np.arange(first, last)
    genres = np.array(list(words.GENRES))[draw_scene(plan, playlist, plan.starts[playlist]) % len(words.GENRES)]
    offset = floor(len(words.PLAYLIST_WORDS) * plan.uniform("word", plan.owners[playlist]))
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
    rounds, word = divmod(number + start, len(words.PLAYLIST_WORDS))
    name = f"{genre}, {words.PLAYLIST_WORDS[word]}" if number % 12 == 5 else f"{words.PLAYLIST_WORDS[word]} {genre}"
    return f"{name} {rounds + 1}" if rounds else name


def pick(texts: list[str], index: Ints) -> pa.Array:
    """The text at each ``index``."""
    return pa.array(texts).take(pa.array(index))


def join(*texts: pa.Array | str) -> pa.Array:
    """The texts of each row, one after the other."""
    return pc.call_function("binary_join_element_wise", [*texts, ""])


def fill(forms: list[str], index: Ints, *texts: pa.Array) -> pa.Array:
    """The forms at ``index`` with ``texts`` put in place of each ``{}``."""
    pieces = [pick(list(piece), index) for piece in zip(*(form.split("{}") for form in forms), strict=True)]
    mixed = [part for pair in zip(pieces, texts, strict=False) for part in pair]
    return join(*mixed, pieces[-1])
