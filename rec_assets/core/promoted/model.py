"""The promoted model: a recommender with the index of its tracks' names, in one file that is mapped into memory."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.errors import UnreadableError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.lineage import LINEAGE_KEY, Lineage
from rec_assets.core.base.shape import Count, Shape, Share, Version
from rec_assets.core.base.tensor_file import of_prefix, read_layout, with_prefix
from rec_assets.core.names.track_names import TrackNames
from rec_assets.core.promoted.rules import NO_RULES, Ruled, Rules
from rec_assets.core.recommender.recommender import Recommender, open_recommender, save_recommender
from rec_assets.core.strategies.answers import NO_TRACK, Answers
from rec_assets.core.strategies.tracks import Tracks

if TYPE_CHECKING:
    from rec_assets.core.base.relations import Relation

# So many more than are asked for, and a quarter, are looked at first: of a spelling most have few.
_SPARE = 8
# Where rules leave out more, or too few stay, so many times more; and below the deepest, what is most frequent.
_DEEPER, _DEEPEST = 8, 16_384


@dataclass(frozen=True)
class PromotedModel:
    """A recommender with the names of its tracks.

    Attributes:
        recommender: as it was measured.
        names: of the tracks, by ``track_index`` of the catalog from which it was made.
        facts: version, counts, question and metrics, as :mod:`rec_assets.core.promoted.gate` takes them.
    """

    recommender: Recommender
    names: TrackNames
    facts: dict[str, Any]

    def answers(self, histories: FlatSequences, *, k: int, rules: Rules = NO_RULES) -> Iterator[tuple[slice, Answers]]:
        """The ``k`` best rows after each history of rows, as :meth:`Recommender.answers` has them, but for spellings,
        and for what the ``rules`` do not allow.

        Of tracks that are spelt alike (:meth:`TrackNames.spellings`) the best one stays, and none that is spelt like a
        track of the history, unless it is that track and may be repeated, or ``repeats`` is ``allowed``. Where the
        strategy ends, or after its first ``_DEEPEST`` tracks, the most frequent tracks follow, with no score.
        """
        depth = (k + k // 4 + _SPARE) * (1 if rules == NO_RULES else _DEEPER)
        return self._answers(histories, depth, Ruled(self.recommender, self.names, rules, k))

    def _answers(self, histories: FlatSequences, depth: int, ruled: Ruled) -> Iterator[tuple[slice, Answers]]:
        for part, found in self.recommender.answers(histories, depth=depth):
            best = ruled.best(histories[part], found)
            is_short = best.rows[:, -1] == NO_TRACK
            # Where popularity fills up the list, the strategy has no more.
            goes_on = np.isfinite(found.scores[:, -1]) & (found.rows[:, -1] != NO_TRACK) & (depth < _DEEPEST)
            again, ended = np.flatnonzero(is_short & goes_on), np.flatnonzero(is_short & ~goes_on)
            if len(again):
                for place, more in self._answers(histories[part].at(again), min(depth * _DEEPER, _DEEPEST), ruled):
                    best.rows[again[place]], best.scores[again[place]] = more.rows, more.scores
            if len(ended):
                left = Answers(found.rows[ended], found.scores[ended])
                more = ruled.best(histories[part].at(ended), left, filled_up=True)
                best.rows[ended], best.scores[ended] = more.rows, more.scores
            yield part, best

    def known_rows(self, sequences: FlatSequences, own_index: np.ndarray) -> FlatSequences:
        """``sequences`` of another catalog as rows, without the tracks that this model does not know.

        ``own_index`` (t,) is this model's ``track_index`` by that of the other catalog, ``NO_TRACK`` where it has none.
        """
        mapped = own_index[sequences.values]
        rows = np.where(mapped == NO_TRACK, NO_TRACK, self.recommender.tracks.row_of[mapped])
        return replace(sequences, values=rows.astype(np.int32)).where(rows != NO_TRACK)


class _Counts(Shape):
    rows: Count
    vocabulary: Count


class Facts(Shape):
    """What every reader of a promoted model needs of its facts."""

    version: Version
    k: Version
    hit_rate: Share
    strategy: str
    counts: _Counts


def names_of_catalog(
    track_catalog: "Relation",
    tracks: Tracks,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> TrackNames:
    """The names in ``track_catalog`` (``track_index, artist, track``), of which ``tracks`` are all the tracks.

    For ``on_progress`` see :meth:`TrackNames.build`.
    """
    from rec_assets.core.base.relations import query  # duckdb: not for an answer

    table = query(track_catalog, "tracks", "SELECT artist, track FROM tracks ORDER BY track_index").to_arrow_table()
    artists, counts = tracks.artist[tracks.row_of], tracks.count[tracks.row_of]
    known = np.flatnonzero(artists != UNKNOWN_ARTIST)
    # The first track of each artist names it.
    _, first = np.unique(artists[known], return_index=True)
    return TrackNames.build(table["artist"].take(pa.array(known[first])), artists, table["track"], counts, on_progress)


def save_promoted(
    recommender: Recommender, names: TrackNames, facts: Mapping[str, Any], lineage: Lineage, path: Path
) -> None:
    """Write a promoted model to ``path``; the same input gives the same bytes."""
    notes = {LINEAGE_KEY: lineage.to_json(), "facts": dict(facts)}
    save_recommender(recommender, path, notes, with_prefix(names.arrays(), "names"))


def read_facts(path: Path) -> tuple[dict[str, Any], Lineage]:
    """What is known of the model at ``path``, whose bytes were checked, without opening it.

    Raises UnreadableError: it is no promoted model, or of another format.
    """
    try:
        notes = read_layout(path).header["notes"]
        Facts.require(notes["facts"])
        return notes["facts"], Lineage.from_json(notes[LINEAGE_KEY])
    except (KeyError, TypeError) as error:
        raise UnreadableError(f"is no promoted model of this package ({error!r})") from error


def open_promoted(path: Path) -> PromotedModel:
    """Open a promoted model whose bytes were checked; its arrays are read from disk when they are used.

    Raises UnreadableError: as :func:`read_facts` does, or it lacks an array.
    """
    facts, _ = read_facts(path)
    recommender, _, arrays = open_recommender(path)
    return PromotedModel(recommender, TrackNames.from_arrays(of_prefix(arrays, "names")), facts)
