"""Makes playlist data of any size: invented users, artists, tracks and playlists, with planted structure.

Nothing here comes from real listeners or real music. The shape follows the public #nowplaying file: sizes,
long tail, one name ("Starred") with a tenth of the rows, and its awkward rows. What a model can learn is
planted: a *scene* is a group of artists of one genre and mood, a playlist keeps to a few scenes, stays in
one for some tracks, and plays an artist's tracks in runs.

Every draw is a hash of the seed and of what is drawn for (user, playlist, row), so a seed gives the same
rows whatever the library versions and the batch size.

The sample in ``data/`` is made by ``rec-assets make-playlists data/made_playlists.csv.gz``.
"""

import contextlib
import gzip
import hashlib
import io
import itertools
import os
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from rec_assets.core.errors import SettingsError

Ints = NDArray[np.int64]

SAMPLE_ROWS = 70_000
SAMPLE_SEED = 7
MIN_ROWS = 100

HEADER = b'"user_id", "artistname", "trackname", "playlistname"\n'
TEXT_COLUMNS = ("user_id", "artist", "track", "playlist")
EMPTY = pa.scalar("")
PARQUET_SCHEMA = pa.schema([("row_id", pa.int64()), *((name, pa.string()) for name in TEXT_COLUMNS)])

# The public file's sizes. Playlists and users grow more slowly than rows, so that a small file still has
# thousands of (shorter) playlists; scenes, and with them artists and tracks, grow almost with the rows.
FULL_ROWS, FULL_USERS, FULL_PLAYLISTS, GROWTH = 12_900_000, 16_000, 232_000, 0.736
FULL_SCENES, SCENE_GROWTH = 2_700, 0.9
BATCH_ROWS = 200_000
MAX_PLAYLIST_ROWS = 40_000
STARRED_SHARE = 0.10  # of the rows

# A scene: a few artists with a few much played tracks each, and many more artists and tracks heard once.
SCENE_ARTISTS, HEAD_ARTISTS = 80, 16
ARTIST_TRACKS, HEAD_TRACKS = 28, 8
TAIL_SHARE = 0.05  # of the rows
SCENE_CHANGE, ARTIST_CHANGE = 0.2, 0.55  # chance at each row of a playlist
SKEW = 1.3  # of the popularity of scenes, artists and tracks; 1 is none

# Awkward rows as in the public file: share of the rows, and the fewest in any file.
AWKWARD = {
    "no_artist": (0.0026, 20),
    "no_track": (0.00001, 10),
    "neither": (0.000001, 3),
    "no_playlist": (0.0001, 8),
    "no_user": (0.000001, 2),
    "broken": (0.000002, 4),
}


def _words(text: str) -> list[str]:
    return text.replace("\n", " ").split(" ")


def _forms(text: str) -> list[str]:
    return text.replace("\n", "|").split("|")


# Names, all invented. {} is filled with words: "The {}s" with "Paper Sparrow", "Under the {} {}" with two.
GENRES = {
    "Folk": "Sparrow Lantern Thistle Miller Hedgerow Fiddle Orchard Badger Meadow Weaver",
    "Synthpop": "Satellite Neon Arcade Circuit Mirror Android Prism Signal Laser Modem",
    "Shoegaze": "Halo Drizzle Blur Petal Chandelier Swoon Vapour Ripple Curtain Daze",
    "Jazz": "Saxton Marlowe Pennywell Duvall Crabtree Lomax Thornby Quill Bassett Vandermeer",
    "Soul": "Velour Honeydew Marigold Tremaine Bonbon Sugarman Goodlove Easterly Brightman Cadillo",
    "Ambient": "Glacier Estuary Tundra Aurora Lagoon Isobar Meridian Horizon Fjord Monolith",
    "Punk": "Dustbin Spanner Riot Turnstile Cockroach Gasket Hooligan Toaster Safety-Pin Scab",
    "Surf": "Pelican Mermaid Breaker Flipper Tiki Hang-Ten Sandpiper Reef Driftwood Coconut",
    "Dub": "Echo Lion Steppa Bassline Rudie Kingfisher Skylark Rootsman Chamberlain Subwoofer",
    "Country": "Rambler Coyote Wagon Saddle Prairie Buckaroo Tumbleweed Mustang Homestead Fencepost",
    "House": "Groove Strobe Mixtape Loft Disko Piano Warehouse Turntable Hi-Hat Balcony",
    "Chamber": "Nocturne Cellist Sonata Minuet Vögelin Étude Spinet Harpist Rondeau Larkspur",
}
MOODS = {
    "quiet": "Snowfall Letter Harbour Candle Garden Window Lullaby River Feather Orchard Attic Willow",
    "sunny": "Bicycle Lemonade Holiday Balloon Kite Parade Picnic Saturday Café Meadow Seagull Piñata",
    "night": "Taxi Streetlight Motel Moon Staircase Telephone Mascara Alibi Ghost Boulevard Skyline Key",
    "restless": "Engine Thunder Suitcase Wildfire Horizon Fever Highway Avalanche Rumour Compass Storm Map",
}
GENRE_NOUNS = _words(" ".join(GENRES.values()))
MOOD_NOUNS = _words(" ".join(MOODS.values()))
ARTIST_WORDS = _words("""Marmalade Crooked Paper Velvet Copper Sleepy Electric Hidden Lonesome Northern
Tangerine Gentle Clockwork Rusty Crystal Wandering Double Emerald Foggy Golden Hollow Indigo Jolly Kindly
Lucky Mossy Nimble Ochre Painted Quiet Royal Scarlet Timid Upper Violet Whistling Yonder Zigzag Älva Señor""")
ARTIST_FORMS = _forms("""{}|The {}s|{} Club|{} Trio|{} Parade|{} Society|Little {}|{} & Sons|{} Ensemble|DJ {}
{} Brothers|{} Radio|{} Machine|{} Choir|{} "La Luna"|{} of Överby|{}, Jr.|Los {}s|{} Express|{} Collective
Old {}|{} Sisters|{} Orchestra|Doctor {}""")
TITLE_WORDS = _words("""Silver Borrowed Broken Slow Yellow Distant Secret Second-Hand Winter Hopeless Tender
Wooden Careless Electric Forgotten Hungry Invisible Lazy Midnight Neon Paper Quiet Runaway Salty Tangled
Unlikely Wandering Empty Blue Crimson Dusty Early Faded Giant Honest Icy Last Missing Perfect Restless""")
TITLE_FORMS = _forms("""{} {}|The {} {}|My {} {}|No More {} {}|Waiting for the {} {}|{} {} (Live)
{} {} - Remastered|{} {}, Pt. 2|{} {} Blues|Hello, {} {}|One {} {}|Goodbye, {} {}|{} {} Tonight
Under the {} {}|{} {} (Demo)|Dance of the {} {}|Ballad of the {} {}|Over the {} {}|A Little More {} "{}"
{} {} (Reprise)|Så långt, {} {}|Once More, {} {}|{} {} (夜の港)|Song for the {} {}""")
PLAYLIST_WORDS = _words("""Evening Morning Road Kitchen Running Study Summer Rainy Office Weekend Late Garage
Sunday Train Dinner Autumn Focus Party Coffee Gym Holiday Campfire Birthday Sleep Wedding Garden Commute
Spring Best New Old Más Första Shared My More Slow Loud Deep Secret Tiny""")
NAMESAKES = ["", *(f" {number}" for number in ("II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X"))]
STRIDE = 7_919  # a prime that divides no number of names: steps through all of them before one comes again
QUOTED_EVERY = 1_500  # one playlist in so many has the public file's hardest name


def write_made_playlists(path: Path, *, rows: int, seed: int = SAMPLE_SEED) -> None:
    """Writes ``rows`` made playlist rows to ``path``, whole or not at all.

    The suffix decides the format: ``.csv`` and ``.csv.gz`` are the public file's dialect (quotes inside a
    field are not escaped), ``.parquet`` has ``row_id`` (0-based line) and the text columns, empty fields as
    NULL and without the broken lines. Memory does not grow with ``rows`` beyond the list of playlists.

    Raises:
        SettingsError: too few rows, a seed out of range, or another suffix; nothing is written.
    """
    if rows < MIN_ROWS:
        raise SettingsError(f"rows is {rows:,}; expected at least {MIN_ROWS}")
    if not 0 <= seed < 2**32:
        raise SettingsError(f"seed is {seed}; expected a number from 0 to 2**32 - 1")
    write = next((write for suffix, write in _WRITERS.items() if path.name.endswith(suffix)), None)
    if write is None:
        raise SettingsError(f"{path.name}: expected a name that ends in one of {', '.join(_WRITERS)}")
    plan = _make_plan(rows, seed)
    with _replacing(path) as file:
        write(file, plan)


@dataclass(frozen=True)
class _Plan:
    """What is fixed before the first row: the playlists, their owners and lengths, and the awkward rows."""

    seed: int
    scenes: int
    user_ids: list[str]
    owners: Ints  # (playlists,) index of the user; a user's playlists are neighbours
    numbers: Ints  # (playlists,) 0, 1, 2, ... within the user
    starred: NDArray[np.bool_]  # (playlists,)
    starts: Ints  # (playlists + 1,) first row of each playlist, and the number of rows
    awkward: dict[str, Ints]  # kind -> rows

    def uniform(self, purpose: str, *keys: Ints) -> NDArray[np.float64]:
        """One number in [0, 1) for each of the ``keys``, the same whenever it is asked for."""
        return _uniform(self.seed, purpose, *keys)


def _uniform(seed: int, purpose: str, *keys: Ints) -> NDArray[np.float64]:
    state = np.full(1, (seed << 32) ^ zlib.crc32(purpose.encode()), dtype=np.uint64)
    for key in keys:  # splitmix64: uint64 arrays wrap around, which is meant
        state = (state ^ key.astype(np.uint64)) + np.uint64(0x9E3779B97F4A7C15)
        state = (state ^ (state >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        state = (state ^ (state >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        state ^= state >> np.uint64(31)
    return (state >> np.uint64(11)).astype(np.float64) * 2.0**-53


def _floor(values: NDArray[np.float64]) -> Ints:
    return values.astype(np.int64)


def _make_plan(rows: int, seed: int) -> _Plan:
    growth = (rows / FULL_ROWS) ** GROWTH
    users, playlists = max(2, round(FULL_USERS * growth)), max(4, round(FULL_PLAYLISTS * growth))
    user, extra = np.arange(users), np.arange(playlists - users)
    eager = np.argsort(_uniform(seed, "eager", user), kind="stable")  # a few users own most playlists
    owners = np.sort(np.concatenate([user, eager[_floor(users * _uniform(seed, "owner", extra) ** 1.6)]]))
    numbers = np.arange(playlists) - np.searchsorted(owners, owners)
    starred = (numbers == 0) & (_uniform(seed, "starred", owners) < 0.6)
    lengths = _playlist_lengths(_uniform(seed, "length", np.arange(playlists)), starred, rows)
    return _Plan(
        seed=seed,
        scenes=max(4, round(FULL_SCENES * (rows / FULL_ROWS) ** SCENE_GROWTH)),
        user_ids=[hashlib.md5(f"{seed}:{n}".encode(), usedforsecurity=False).hexdigest() for n in user],
        owners=owners,
        numbers=numbers,
        starred=starred,
        starts=np.concatenate([[0], np.cumsum(lengths)]),
        awkward={
            kind: np.unique(_floor(rows * _uniform(seed, kind, np.arange(max(fewest, round(share * rows))))))
            for kind, (share, fewest) in AWKWARD.items()
        },
    )


def _playlist_lengths(draws: NDArray[np.float64], starred: NDArray[np.bool_], rows: int) -> Ints:
    """Log-logistic lengths (mean about twice the median) that add up to ``rows``, each at least 1."""
    weights = np.minimum((draws / (1 - draws)) ** (1 / 1.6), 200.0)
    for group, share in ((starred, STARRED_SHARE), (~starred, 1 - STARRED_SHARE)):
        weights[group] *= share * rows / max(weights[group].sum(), 1.0)
    lengths = np.clip(np.rint(weights), 1, MAX_PLAYLIST_ROWS).astype(np.int64)
    while difference := rows - int(lengths.sum()):  # rounding: one row more or less for the longest ones
        longest = np.argsort(-lengths, kind="stable")[: abs(difference)]
        lengths[longest] += np.sign(difference)
    return lengths


def _draw_tracks(plan: _Plan, row: Ints, playlist: Ints) -> tuple[Ints, Ints, Ints]:
    """Scene, artist within the scene and track within the artist, for each row of whole playlists."""
    change = (row == plan.starts[playlist]) | (plan.uniform("change", row) < SCENE_CHANGE)
    scene = _scene(plan, playlist, since := _last_true(change, row))
    run = _last_true(change | (plan.uniform("run", row) < ARTIST_CHANGE), row)
    artist = _floor(HEAD_ARTISTS * plan.uniform("head artist", run) ** SKEW)
    first = _floor(HEAD_TRACKS * plan.uniform("head track", run, since) ** SKEW)
    track = (first + row - run) % HEAD_TRACKS
    tail = plan.uniform("tail", row) < TAIL_SHARE
    # A playlist seldom repeats a track; what would come again is drawn from the tail instead.
    tail |= _is_repeat(playlist, (scene * HEAD_ARTISTS + artist) * HEAD_TRACKS + track)
    artist[tail] = _floor(SCENE_ARTISTS * plan.uniform("tail artist", row[tail]))
    track[tail] = HEAD_TRACKS + _floor((ARTIST_TRACKS - HEAD_TRACKS) * plan.uniform("tail track", row[tail]))
    return scene, artist, track


def _scene(plan: _Plan, playlist: Ints, since: Ints) -> Ints:
    """The scene of a stretch that began at row ``since``: one of the playlist's few, mostly its owner's."""
    length = plan.starts[playlist + 1] - plan.starts[playlist]
    slot = _floor((2 + length // 40) * plan.uniform("slot", since))
    favourite = _floor(4 * plan.uniform("favourite", playlist, slot))
    own = plan.uniform("own scene", plan.owners[playlist], favourite)
    other = plan.uniform("other scene", playlist, slot)
    return _floor(plan.scenes * np.where(plan.uniform("own", playlist, slot) < 0.8, own, other) ** SKEW)


def _last_true(flags: NDArray[np.bool_], row: Ints) -> Ints:
    """For each row the last row up to it whose flag is set."""
    return np.maximum.accumulate(np.where(flags, row, row[0]))


def _is_repeat(playlist: Ints, track: Ints) -> NDArray[np.bool_]:
    key = (playlist - playlist[0]) * (int(track.max()) + 1) + track
    order = np.argsort(key, kind="stable")
    repeat = np.zeros(len(key), dtype=np.bool_)
    repeat[order[1:]] = key[order[1:]] == key[order[:-1]]
    return repeat


def _pick(words: list[str], index: Ints) -> pa.Array:
    return pa.array(words).take(pa.array(index))


def _join(*texts: pa.Array | str) -> pa.Array:
    return pc.call_function("binary_join_element_wise", [*texts, ""])


def _where(condition: pa.Array, then: pa.Array | pa.Scalar, otherwise: pa.Array) -> pa.Array:
    return pc.call_function("if_else", [condition, then, otherwise])


def _null_if_empty(texts: pa.Array) -> pa.Array:
    return _where(pc.call_function("equal", [texts, EMPTY]), pa.scalar(None, pa.string()), texts)


def _fill(forms: list[str], index: Ints, *words: pa.Array) -> pa.Array:
    """The forms at ``index`` with ``words`` put in place of each ``{}``."""
    pieces = [_pick(list(piece), index) for piece in zip(*(form.split("{}") for form in forms), strict=True)]
    mixed = [part for pair in zip(pieces, words, strict=False) for part in pair]
    return _join(*mixed, pieces[-1])


def _artist_names(scene: Ints, artist: Ints) -> pa.Array:
    genre, number = scene % len(GENRES), scene // len(GENRES) * SCENE_ARTISTS + artist
    nouns_each = len(GENRE_NOUNS) // len(GENRES)
    names = len(ARTIST_WORDS) * nouns_each * len(ARTIST_FORMS)
    rest, word = np.divmod((number * STRIDE + genre * 997) % names, len(ARTIST_WORDS))
    form, noun = np.divmod(rest, nouns_each)
    noun_text = _pick(GENRE_NOUNS, genre * nouns_each + noun)
    name = _fill(ARTIST_FORMS, form, _join(_pick(ARTIST_WORDS, word), " ", noun_text))
    return _join(name, _pick(NAMESAKES, number // names % len(NAMESAKES)))


def _track_names(plan: _Plan, scene: Ints, artist: Ints, track: Ints) -> pa.Array:
    nouns_each = len(MOOD_NOUNS) // len(MOODS)
    mood = (scene + scene // len(GENRES)) % len(MOODS)
    names = len(TITLE_WORDS) * nouns_each * len(TITLE_FORMS)
    start = _floor(names * plan.uniform("titles", scene, artist))
    rest, word = np.divmod((start + track * STRIDE) % names, len(TITLE_WORDS))
    form, noun = np.divmod(rest, nouns_each)
    return _fill(TITLE_FORMS, form, _pick(TITLE_WORDS, word), _pick(MOOD_NOUNS, mood * nouns_each + noun))


def _playlist_names(plan: _Plan, first: int, last: int) -> list[str]:
    """Names of the playlists ``first`` to ``last - 1``: none twice for one user."""
    playlist = np.arange(first, last)
    genres = np.array(list(GENRES))[_scene(plan, playlist, plan.starts[playlist]) % len(GENRES)]
    offset = _floor(len(PLAYLIST_WORDS) * plan.uniform("word", plan.owners[playlist]))
    names = []
    for index, genre, start in zip(playlist, genres, offset, strict=True):
        number = int(plan.numbers[index])
        rounds, word = divmod(number + int(start), len(PLAYLIST_WORDS))
        name = f"{genre}, {PLAYLIST_WORDS[word]}" if number % 12 == 5 else f"{PLAYLIST_WORDS[word]} {genre}"
        names.append(f"{name} {rounds + 1}" if rounds else name)
        if plan.starred[index]:
            names[-1] = "Starred"
        elif index % QUOTED_EVERY == 7:
            names[-1] = '"/'
    return names


def _batches(plan: _Plan) -> Iterator[pa.RecordBatch]:
    """The rows in order, about BATCH_ROWS at a time, with empty text where a field is missing."""
    edges = np.searchsorted(plan.starts, np.arange(0, int(plan.starts[-1]), BATCH_ROWS))
    edges = np.unique(np.append(edges, len(plan.owners))).tolist()
    for first, last in itertools.pairwise(edges):
        row = np.arange(int(plan.starts[first]), int(plan.starts[last]))
        playlist = np.repeat(np.arange(first, last), np.diff(plan.starts[first : last + 1]))
        scene, artist, track = _draw_tracks(plan, row, playlist)
        columns = {
            "user_id": _pick(plan.user_ids, plan.owners[playlist]),
            "artist": _artist_names(scene, artist),
            "track": _track_names(plan, scene, artist, track),
            "playlist": _pick(_playlist_names(plan, first, last), playlist - first),
        }
        for name, kinds in _EMPTIED_BY.items():
            emptied = np.isin(row, np.concatenate([plan.awkward[kind] for kind in kinds]))
            columns[name] = _where(pa.array(emptied), EMPTY, columns[name])
        yield pa.record_batch([pa.array(row), *columns.values()], schema=PARQUET_SCHEMA)


_EMPTIED_BY = {
    "user_id": ["no_user"],
    "artist": ["no_artist", "neither"],
    "track": ["no_track", "neither"],
    "playlist": ["no_playlist"],
}


def _write_csv(file: io.BufferedIOBase, plan: _Plan) -> None:
    file.write(HEADER)
    for batch in _batches(plan):
        row_id, user, artist, track, playlist = batch.columns
        lines = _fill(['"{}","{}","{}","{}"\n'], np.zeros(len(row_id), int), user, artist, track, playlist)
        cut_short = _join('"', user, '","', artist, "\n")
        broken = pa.array(np.isin(row_id.to_numpy(), plan.awkward["broken"]))
        text = _where(broken, cut_short, lines)
        _, offsets, characters = text.buffers()
        file.write(characters[: int(np.frombuffer(offsets, np.int32)[len(text)])])  # lines lie end to end


def _write_gzip(file: io.BufferedIOBase, plan: _Plan) -> None:
    with gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed:
        _write_csv(packed, plan)


def _write_parquet(file: io.BufferedIOBase, plan: _Plan) -> None:
    with pq.ParquetWriter(file, PARQUET_SCHEMA, compression="zstd") as writer:
        for batch in _batches(plan):
            whole = batch.filter(pa.array(~np.isin(batch["row_id"].to_numpy(), plan.awkward["broken"])))
            texts = [_null_if_empty(whole[name]) for name in TEXT_COLUMNS]
            writer.write_batch(pa.record_batch([whole["row_id"], *texts], schema=PARQUET_SCHEMA))


_WRITERS: dict[str, Callable[[io.BufferedIOBase, _Plan], None]] = {
    ".csv": _write_csv,
    ".csv.gz": _write_gzip,
    ".parquet": _write_parquet,
}


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[io.BufferedIOBase]:
    """A file beside ``path`` that takes its place when the block ends well, and is removed otherwise."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
