"""Which track each row plays: scenes, runs of one artist, and the tail."""

import numpy as np
from numpy.typing import NDArray

from rec_assets.core.synthetic.draws import Ints, floor
from rec_assets.core.synthetic.plan import Plan

# A scene: a few artists with a few much played tracks each, and many more artists and tracks heard once.
SCENE_ARTISTS, HEAD_ARTISTS = 80, 16
ARTIST_TRACKS, HEAD_TRACKS = 28, 8
TAIL_SHARE = 0.05  # of the rows
SCENE_CHANGE, ARTIST_CHANGE = 0.2, 0.55  # chance at each row of a playlist
SKEW = 1.3  # of the popularity of scenes, artists and tracks; 1 is none


def draw_tracks(plan: Plan, row: Ints, playlist: Ints) -> tuple[Ints, Ints, Ints]:
    """Scene, artist within the scene and track within the artist, for each row of whole playlists."""
    change = (row == plan.starts[playlist]) | (plan.uniform("change", row) < SCENE_CHANGE)
    scene = draw_scene(plan, playlist, since := _last_true(change, row))
    run = _last_true(change | (plan.uniform("run", row) < ARTIST_CHANGE), row)
    artist = floor(HEAD_ARTISTS * plan.uniform("head artist", run) ** SKEW)
    first = floor(HEAD_TRACKS * plan.uniform("head track", run, since) ** SKEW)
    track = (first + row - run) % HEAD_TRACKS
    tail = plan.uniform("tail", row) < TAIL_SHARE
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
