"""Rules for what may be recommended to a reader; what is measured never passes them."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.read_only import read_only
from rec_assets.core.names.track_names import TrackNames
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.recommender.settings import Repeats
from rec_assets.core.strategies.answers import NO_TRACK, Answers

_NO_GROUP = 2**64 - 1


@dataclass(frozen=True)
class Rules:
    """What may be recommended by one model.

    Tracks stand for all that are spelt like them (:meth:`TrackNames.spellings`), and artists are the numbers of their
    groups (:meth:`TrackNames.find_artist`).

    Attributes:
        per_artist: tracks of one artist at most, None = as many as fit; a track without artist always fits.
        exclude_tracks, exclude_artists: what is never recommended.
        only_tracks, only_artists: what alone is recommended; None and None = everything.
    """

    per_artist: int | None = None
    exclude_tracks: frozenset[int] = frozenset()
    exclude_artists: frozenset[int] = frozenset()
    only_tracks: frozenset[int] | None = None
    only_artists: frozenset[int] | None = None

    def allowed(self, names: TrackNames, row_of: np.ndarray) -> np.ndarray:
        """(t,) by row: whether the lists let the track be recommended; ``row_of`` is by track index."""
        allowed = np.full(len(names), self.only_tracks is None and self.only_artists is None)
        allowed[row_of[_meant(names, self.only_tracks or (), self.only_artists or ())]] = True
        allowed[row_of[_meant(names, self.exclude_tracks, self.exclude_artists)]] = False
        return allowed


NO_RULES = Rules()


def _meant(names: TrackNames, tracks: Iterable[int], groups: Iterable[int]) -> np.ndarray:
    """Track indexes that are spelt like one of ``tracks``, or of one of the ``groups`` of artists."""
    parts = [names.of_group(group) for group in groups] + [names.spelt_like(track) for track in tracks]
    return np.concatenate([np.empty(0, np.int32), *parts])


class Ruled:
    """What ``rules`` and spellings leave of a recommender's answers: the first ``k``."""

    def __init__(self, recommender: Recommender, names: TrackNames, rules: Rules, k: int) -> None:
        self._tracks, self._names, self._k = recommender.tracks, names, k
        self._is_own_fine = recommender.settings.repeats is Repeats.allowed
        self._repeats = recommender.chosen.repeats
        self._allowed = read_only(rules.allowed(names, self._tracks.row_of))
        self._per_artist = rules.per_artist or k
        self._nameless = np.uint64(_NO_GROUP if names.nameless is None else names.nameless)

    def best(self, histories: FlatSequences, found: Answers, *, filled_up: bool = False) -> Answers:
        """Those of ``found`` (m, a), in their order; and after them, if ``filled_up``, the most frequent tracks.

        A track that is filled up with has no score.
        """
        from rec_assets.core.promoted import loops

        if self._is_own_fine:
            histories = histories.cut_at(np.arange(len(histories)), np.zeros(len(histories), np.int64))
        popular = self._popular if filled_up else self._spelt(np.empty(0, np.int32))
        places = loops.first_allowed(
            self._spelt(found.rows),
            popular,
            (*self._spelt(histories.values), read_only(histories.offsets)),
            (self._allowed, self._per_artist, self._nameless, self._repeats),
            self._k,
        )
        # One more place for what is popular, or is none.
        more = np.concatenate([popular[0], [NO_TRACK]])
        width = found.rows.shape[1]
        is_found = (places >= 0) & (places < width)
        rows, scores = (
            np.take_along_axis(part, np.where(is_found, places, 0), 1) for part in (found.rows, found.scores)
        )
        return Answers(
            np.where(is_found, rows, more[np.where(places < width, -1, places - width)]).astype(np.int32),
            np.where(is_found, scores, np.float32(-np.inf)),
        )

    @cached_property
    def _popular(self) -> tuple[np.ndarray, np.ndarray]:
        """The allowed rows that occur in training, by falling count, and their spellings."""
        counted = len(self._tracks) - int(np.searchsorted(self._tracks.count[::-1], 1))
        return self._spelt(np.flatnonzero(self._allowed[:counted]).astype(np.int32))

    def _spelt(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return read_only(rows), read_only(self._names.spellings(self._tracks.track_index[rows]))
