"""A few held-out playlists with what is recommended after them, so that people can judge a strategy at a glance."""

from dataclasses import dataclass

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.recommender import Recommender
from rec_assets.core.strategies import NO_TRACK, Answers

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
    recommender: Recommender, sequences: FlatSequences, *, examples: int = EXAMPLES
) -> list[ExampleTrack]:
    """The first ``examples`` of held-out ``sequences``: the end of each history, its target, the first ten answers."""
    tracks = recommender.tracks
    rows = tracks.rows(sequences[:examples])
    shown = []
    answers = [found for _, found in recommender.answers(rows.histories(), depth=recommender.settings.k)]
    found = np.concatenate([part.rows[:, :RECOMMENDED] for part in answers])
    ranks = Answers(*(np.concatenate([getattr(a, name) for a in answers]) for name in ("rows", "scores"))).rank_of(
        rows.from_the_end(0)
    )
    for number, playlist in enumerate(rows.ids.tolist()):
        own = tracks.track_index[rows.tracks_of(number)].tolist()
        last = own[:-1][-HISTORY:]
        shown += [ExampleTrack(playlist, "history", len(last) - i, track) for i, track in enumerate(last)]
        shown.append(ExampleTrack(playlist, "target", int(ranks[number]) or None, own[-1]))
        recommended = tracks.track_index[found[number][found[number] != NO_TRACK]].tolist()
        shown += [ExampleTrack(playlist, "recommended", i, track) for i, track in enumerate(recommended, start=1)]
    return shown
