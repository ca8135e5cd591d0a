"""What a promoted model recommends to all playlists."""

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import pyarrow as pa

from rec_assets.core.base.errors import DataError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.base.shards import ONE_PROCESS, Shards
from rec_assets.core.names.track_names import TrackNames
from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.promoted.named_rules import FoundRules, NamedRules, unknown_artist_sentence
from rec_assets.core.promoted.recommendations import MOST_TRACKS
from rec_assets.core.promoted.rules import NO_RULES, Rules
from rec_assets.core.strategies.answers import NO_TRACK, Answers

_TEXT = pa.string()
SCHEMA = pa.schema(
    {
        **{"user_id": _TEXT, "playlist": _TEXT, "rank": pa.int32()},
        **{"artist": _TEXT, "track": _TEXT, "score": pa.float32()},
    }.items()
)


class RecommendationsSettings(Settings):
    """What is recommended to every playlist."""

    recommended_tracks: int = setting(
        20, "Number of tracks that playlist_recommendations has for each playlist.", ge=1, le=MOST_TRACKS
    )
    recommended_per_artist: int = setting(
        0,
        "Number of tracks of one artist that playlist_recommendations has for a playlist at most; 0 = as many as fit. "
        "Hit rates are measured without it.",
        ge=0,
        le=MOST_TRACKS,
    )
    recommended_exclude_artists: list[str] = setting(
        [], "Artists of whom playlist_recommendations has no track. Hit rates are measured without it."
    )
    recommended_only_artists: list[str] = setting(
        [], "Artists of whom alone playlist_recommendations has tracks; empty = all. Hit rates are measured without it."
    )

    def rules(self, names: TrackNames) -> FoundRules:
        """The rules, as far as ``names`` has the artists. Raises DataError: none of those that alone are allowed."""
        asked = NamedRules(
            self.recommended_per_artist or None,
            exclude_artists=self.recommended_exclude_artists,
            only_artists=self.recommended_only_artists,
        )
        found = asked.find(names.find, names.find_artist)
        if found.allow_nothing:
            raise DataError(
                "The model knows none of `recommended_only_artists`: "
                f"{' '.join(map(unknown_artist_sentence, found.unknown_artists))}\nName one that it knows, or none."
            )
        return found


def recommend_to_all(
    model: PromotedModel,
    histories: FlatSequences,
    playlists: pa.Table,
    *,
    depth: int,
    rules: Rules = NO_RULES,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
    shards: Shards = ONE_PROCESS,
) -> pa.RecordBatchReader:
    """The ``depth`` best tracks after each of ``histories`` (n,) of rows by the ``rules``, in their order, as they are
    read.

    ``playlists`` (n,) are their ``user_id, playlist``. Columns are these and ``rank`` (1 = best) ``, artist, track,
    score``; the score is null where popularity filled up the list. ``on_progress`` is called with how many are done,
    and of how many.
    """
    answer = partial(_answer, model, depth, rules)
    batches = _batches(model, shards.answer(answer, histories), playlists, on_progress)
    return pa.RecordBatchReader.from_batches(SCHEMA, batches)


def _answer(model: PromotedModel, depth: int, rules: Rules, histories: FlatSequences) -> list[Answers]:
    return [answers for _, answers in model.answers(histories, k=depth, rules=rules)]


def _batches(
    model: PromotedModel,
    answered: Iterator[tuple[slice, list[Answers]]],
    playlists: pa.Table,
    on_progress: Callable[[int, int], None],
) -> Iterator[pa.RecordBatch]:
    for shard, chunks in answered:
        done = shard.start
        for answers in chunks:
            yield _batch(model, playlists.slice(done, len(answers.rows)), answers)
            done += len(answers.rows)
        on_progress(done, len(playlists))


def _batch(model: PromotedModel, playlists: pa.Table, answers: Answers) -> pa.RecordBatch:
    playlist, place = np.nonzero(answers.rows != NO_TRACK)
    tracks = model.recommender.tracks.track_index[answers.rows[playlist, place]]
    scores = answers.scores[playlist, place]
    columns = [
        *(column.combine_chunks().take(pa.array(playlist)) for column in playlists.columns),
        pa.array(place + 1, pa.int32()),
        *model.names.columns(tracks),
        pa.array(scores, pa.float32(), mask=~np.isfinite(scores)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)
