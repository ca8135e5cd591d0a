"""A few held-out playlists with what is recommended after them, so that people can judge a strategy at a glance."""

from dataclasses import dataclass

import numpy as np

from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.strategies import NO_TRACK, Strategy, recommend
from rec_assets.core.tracks import Tracks

EXAMPLES, HISTORY, RECOMMENDED = 6, 5, 10


@dataclass(frozen=True)
class ExampleTrack:
    """A track of an example.

    Attributes:
        playlist_id: which playlist.
        part: ``history``, ``target`` or ``recommended``.
        place: steps before the target, place among the tracks recommended (1 = best), or of the target the rank,
            None where it was not found.
        track_index: which track.
    """

    playlist_id: str
    part: str
    place: int | None
    track_index: int


def example_playlists(
    strategy: Strategy, tracks: Tracks, sequences: FlatSequences, ranks: np.ndarray, *, repeats: bool
) -> list[ExampleTrack]:
    """The first six of ``sequences``, each with the end of its history, its target and the first ten answers.

    ``ranks`` (m,) are those of the targets, 0 = not found. The other arguments are those of
    :func:`~rec_assets.core.ranking.answer_held_out`.
    """
    rows = tracks.rows(sequences[:EXAMPLES])
    shown = []
    answers = recommend(strategy, tracks, rows.histories(), depth=RECOMMENDED, repeats=repeats)
    found = np.concatenate([part.rows for _, part in answers])
    for number, playlist in enumerate(rows.ids.tolist()):
        own = tracks.track_index[rows.tracks_of(number)].tolist()
        last = own[:-1][-HISTORY:]
        shown += [ExampleTrack(playlist, "history", len(last) - i, track) for i, track in enumerate(last)]
        shown.append(ExampleTrack(playlist, "target", int(ranks[number]) or None, own[-1]))
        recommended = tracks.track_index[found[number][found[number] != NO_TRACK]].tolist()
        shown += [ExampleTrack(playlist, "recommended", i, track) for i, track in enumerate(recommended, start=1)]
    return shown
