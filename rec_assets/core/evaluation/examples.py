"""A few held-out playlists with what is recommended after them, so that people can judge a strategy at a glance."""

from dataclasses import dataclass

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.strategies.answers import NO_TRACK

EXAMPLES, HISTORY, RECOMMENDED = 6, 5, 10


@dataclass(frozen=True)
class ExampleTrack:
    """A track of an example.

    Attributes:
        part: ``history``, ``target`` or ``recommended``.
        place: of the history, steps before the target; of what is recommended, 1 = best; of the target its rank,
            None where it was not found.
    """

    playlist_id: str
    part: str
    place: int | None
    track_index: int


def example_playlists(recommender: Recommender, sequences: FlatSequences) -> list[ExampleTrack]:
    """The first six of held-out ``sequences``: the end of each history, its target, the first ten answers."""
    tracks = recommender.tracks
    rows = tracks.rows(sequences[:EXAMPLES])
    shown = []
    ((_, answers),) = recommender.answers(rows.histories(), depth=recommender.settings.k)
    ranks = answers.rank_of(rows.from_the_end(0))
    for number, playlist in enumerate(rows.ids.tolist()):
        own = tracks.track_index[rows.tracks_of(number)].tolist()
        last = own[:-1][-HISTORY:]
        shown += [ExampleTrack(playlist, "history", len(last) - i, track) for i, track in enumerate(last)]
        shown.append(ExampleTrack(playlist, "target", int(ranks[number]) or None, own[-1]))
        found = answers.rows[number, :RECOMMENDED]
        recommended = tracks.track_index[found[found != NO_TRACK]].tolist()
        shown += [ExampleTrack(playlist, "recommended", i, track) for i, track in enumerate(recommended, start=1)]
    return shown
