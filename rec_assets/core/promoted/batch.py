"""Recommendations to many playlists, as a stream of Arrow batches."""

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.strategies import NO_TRACK, Answers

SCHEMA = pa.schema(
    [
        ("playlist_id", pa.string()),
        ("rank", pa.int32()),
        ("artist", pa.string()),
        ("track", pa.string()),
        ("score", pa.float32()),
    ]
)
_TOLD_EVERY = 20_000


class RecommendationsSettings(Settings):
    """What is recommended to every playlist."""

    recommended_tracks: int = setting(20, "Tracks that playlist_recommendations has for each playlist.", ge=1, le=1_000)


def recommend_to_all(
    model: PromotedModel,
    histories: FlatSequences,
    *,
    depth: int,
    on_progress: Callable[[str], None] = lambda told: None,
) -> pa.RecordBatchReader:
    """The ``depth`` best tracks after each of ``histories`` (of rows), in their order, as they are read.

    Columns are ``playlist_id, rank`` (1 = best) ``, artist, track, score``; the score is null where popularity filled
    up the list. ``on_progress`` is told now and then how far it is.
    """
    return pa.RecordBatchReader.from_batches(SCHEMA, _batches(model, histories, depth, on_progress))


def _batches(
    model: PromotedModel, histories: FlatSequences, depth: int, on_progress: Callable[[str], None]
) -> Iterator[pa.RecordBatch]:
    artists, titles, told = model.names.artists.to_arrow(), model.names.titles.to_arrow(), 0
    for part, answers in model.answers(histories, depth=depth):
        yield _batch(model, histories.ids[part], answers, artists, titles)
        if part.stop - told >= _TOLD_EVERY:
            told = part.stop
            on_progress(f"recommended to {told:,} of {len(histories):,} playlists")


def _batch(
    model: PromotedModel, ids: np.ndarray, answers: Answers, artists: pa.Array, titles: pa.Array
) -> pa.RecordBatch:
    playlist, place = np.nonzero(answers.rows != NO_TRACK)
    track = model.recommender.tracks.track_index[answers.rows[playlist, place]]
    artist, scores = model.names.artist[track], answers.scores[playlist, place]
    columns = [
        pa.array(ids[playlist], pa.string()),
        pa.array(place + 1, pa.int32()),
        _or_null(artists.take(pa.array(artist, mask=artist == UNKNOWN_ARTIST))),
        _or_null(titles.take(pa.array(track))),
        pa.array(scores, pa.float32(), mask=~np.isfinite(scores)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=SCHEMA)


def _or_null(texts: pa.LargeStringArray) -> pa.Array:
    """``texts`` with null in place of the empty one, which says that a name is unknown."""
    is_empty = np.diff(np.frombuffer(texts.buffers()[1], np.int64, len(texts) + 1)) == 0
    named = np.flatnonzero(~is_empty)
    places = np.zeros(len(texts), np.int64)
    places[named] = named
    return texts.take(pa.array(places, mask=is_empty)).cast(pa.string())
