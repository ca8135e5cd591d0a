"""Asks a promoted model what a candidate was asked.

Tracks of one catalog are found in another by artist and name: track indexes mean something within one catalog only.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.relations import TRACK_KEYS, Connection, Relation, count_rows
from rec_assets.core.names.track_names import TrackNames
from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.strategies.answers import NO_TRACK


@dataclass(frozen=True)
class Comparison:
    """Both models asked for the same held-out playlists, of which neither has seen one in training.

    Attributes:
        candidate: (m,) rank of each target, 0 = not found.
        promoted: (m,) the same by the promoted model.
        k: tracks recommended.
        left_out: held-out playlists that the promoted model was trained on.
        known_share: share (0..1) of the candidate's rows whose track the promoted model knows.
    """

    candidate: np.ndarray
    promoted: np.ndarray
    k: int
    left_out: int
    known_share: float


def own_index(connection: Connection, track_catalog: Relation, names: TrackNames) -> np.ndarray:
    """(t,) int32 track index among ``names`` of each track of ``track_catalog``; ``NO_TRACK`` where there is none."""
    numbers = np.arange(len(names.artist), dtype=np.int32)
    own = pa.table([pa.array(numbers), *names.columns(numbers)], ["own_index", "artist", "track"])
    table = connection.from_arrow(own).select(f"own_index, {TRACK_KEYS}").set_alias("own")
    tracks = track_catalog.select(f"track_index, {TRACK_KEYS}").set_alias("other")
    found = tracks.join(table, "other.key = own.key AND other.other_key = own.other_key")
    columns = found.select("track_index", "own_index").fetchnumpy()
    mapped = np.full(count_rows(track_catalog), NO_TRACK, np.int32)
    mapped[np.asarray(columns["track_index"])] = np.asarray(columns["own_index"])
    return mapped


def known_share(track_catalog: Relation, own_index: np.ndarray) -> float:
    """Share (0..1) of the rows whose track has an ``own_index`` (t,)."""
    columns = track_catalog.select("track_index", "occurrences").fetchnumpy()
    tracks, rows = (np.asarray(columns[name]) for name in ("track_index", "occurrences"))
    return float(rows[own_index[tracks] != NO_TRACK].sum() / rows.sum())


def compare(
    model: PromotedModel,
    own_index: np.ndarray,
    held_out: FlatSequences,
    candidate_ranks: np.ndarray,
    *,
    k: int,
    most: int,
    known_share: float,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Comparison:
    """Ranks of both models on at most ``most`` of the held-out playlists that neither was trained on.

    ``own_index`` is that of :func:`own_index`; ``held_out`` (m,) are the candidate's held-out playlists, by its
    catalog, and ``candidate_ranks`` (m,) its ranks of their last tracks, 0 = not found. For ``k`` and ``known_share``
    see :class:`Comparison`. ``on_progress`` is called with how many are done, and of how many.
    """
    unseen = np.flatnonzero(~np.isin(held_out.ids, model.recommender.trained_on))
    chosen = unseen[:most]
    asked = held_out.at(chosen)
    targets = own_index[asked.from_the_end(0)] if len(asked) else np.empty(0, np.int32)
    target_rows = np.where(targets == NO_TRACK, NO_TRACK, model.recommender.tracks.row_of[targets])
    ranks = np.zeros(len(asked), np.int32)
    for part, answers in model.recommender.answers(model.known_rows(asked.histories(), own_index), depth=k):
        ranks[part] = answers.rank_of(target_rows[part])
        on_progress(part.stop, len(asked))
    return Comparison(
        candidate=candidate_ranks[chosen],
        promoted=ranks,
        k=k,
        left_out=len(held_out) - len(unseen),
        known_share=known_share,
    )
