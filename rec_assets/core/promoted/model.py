"""The promoted model: a recommender with the index of its tracks' names, in one file that is mapped into memory."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from rec_assets.core.base.errors import UnreadableError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.lineage import LINEAGE_KEY, Lineage
from rec_assets.core.base.tensor_file import of_prefix, read_layout, with_prefix
from rec_assets.core.names import TrackNames
from rec_assets.core.recommender import Recommender, open_recommender, save_recommender
from rec_assets.core.strategies import NO_TRACK, Answers


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

    def answers(self, histories: FlatSequences, *, depth: int) -> Iterator[tuple[slice, Answers]]:
        """See :meth:`Recommender.answers`."""
        return self.recommender.answers(histories, depth=depth)

    def known_rows(self, sequences: FlatSequences, own_index: np.ndarray) -> FlatSequences:
        """``sequences`` of another catalog as rows, without the tracks that this model does not know.

        ``own_index`` (t,) is this model's ``track_index`` by that of the other catalog, ``NO_TRACK`` where it has none.
        """
        mapped = own_index[sequences.values]
        rows = np.where(mapped == NO_TRACK, NO_TRACK, self.recommender.tracks.row_of[mapped])
        return FlatSequences(sequences.ids, rows.astype(np.int32), sequences.offsets).where(rows != NO_TRACK)


def save_promoted(
    recommender: Recommender, names: TrackNames, facts: Mapping[str, Any], lineage: Lineage, path: Path
) -> None:
    """Write a promoted model to ``path``; the same input gives the same bytes."""
    notes = {LINEAGE_KEY: lineage.to_json(), "facts": dict(facts)}
    save_recommender(recommender, path, notes, with_prefix(names.arrays(), "names"))


def read_facts(path: Path) -> tuple[dict[str, Any], Lineage]:
    """What is known of the model at ``path``, whose bytes were checked, without opening it.

    Raises:
        UnreadableError: it is no promoted model, or of another format.
    """
    try:
        notes = read_layout(path).header["notes"]
        return notes["facts"], Lineage.from_json(notes[LINEAGE_KEY])
    except (KeyError, TypeError) as error:
        raise UnreadableError(f"is no promoted model of this package ({error!r})") from error


def open_promoted(path: Path) -> PromotedModel:
    """Open a promoted model whose bytes were checked; its arrays are read from disk when they are used.

    Raises:
        UnreadableError: as :func:`read_facts` does, or it lacks an array.
    """
    facts, _ = read_facts(path)
    recommender, _, arrays = open_recommender(path)
    return PromotedModel(recommender, TrackNames.from_arrays(of_prefix(arrays, "names")), facts)
