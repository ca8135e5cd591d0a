"""The promoted model: all that recommending takes, names included, in one file that is mapped into memory."""

from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from rec_assets.core.errors import StoreError
from rec_assets.core.flat_sequences import FlatSequences
from rec_assets.core.names import TrackNames
from rec_assets.core.promoted.frozen import Freezer, thaw
from rec_assets.core.strategies import NO_TRACK, Answers, PlaylistKnn, Popularity, Strategy, TrackVectors, recommend
from rec_assets.core.tensor_file import map_tensors, read_layout, write_tensors
from rec_assets.core.tracks import Tracks

# Raised when the classes of `frozen` change their attributes: an older file would make objects that lack some.
FORMAT = 1
_REMEDY = "Run training_job with replace_unreadable: true, or go back to another version: rec-assets promote."
# Histories answered before the next are looked at; it bounds memory, whatever is asked.
_CHUNK = 4_096


@dataclass(frozen=True)
class PromotedModel:
    """A fitted strategy with the names of its tracks.

    Attributes:
        tracks: rows and counts, by ``track_index`` of the catalog from which the model was made.
        names: of the tracks, by ``track_index``.
        strategy: answers histories of rows.
        repeats: whether tracks of a history may be recommended.
        similar: tells how near two tracks are.
        together: tells how many training playlists hold two tracks.
        trained_on: (n,) uint64 hashes of the ids of the training playlists, ascending.
        facts: version, counts, settings and metrics, as :mod:`rec_assets.core.promoted.gate` takes them.
    """

    tracks: Tracks
    names: TrackNames
    strategy: Strategy
    repeats: bool
    similar: TrackVectors
    together: PlaylistKnn
    trained_on: np.ndarray
    facts: dict[str, Any]

    def answers(self, histories: FlatSequences, *, depth: int) -> Iterator[tuple[slice, Answers]]:
        """The ``depth`` best rows for each history of rows, chunk by chunk; an empty one is answered by popularity."""
        for start in range(0, len(histories), _CHUNK):
            part = slice(start, min(start + _CHUNK, len(histories)))
            yield part, self._answer(histories[part], depth)

    def _answer(self, histories: FlatSequences, depth: int) -> Answers:
        silent = histories.lengths() == 0
        asking = np.flatnonzero(~silent)
        answers = Answers.empty(len(histories), depth)
        for place, found in recommend(
            self.strategy, self.tracks, histories.at(asking), depth=depth, repeats=self.repeats
        ):
            answers.rows[asking[place]], answers.scores[asking[place]] = found.rows, found.scores
        if silent.any():
            popular = Popularity(self.tracks).score(histories[:1]).top(depth)
            answers.rows[silent], answers.scores[silent] = popular.rows, popular.scores
        return answers

    def known_rows(self, sequences: FlatSequences, own_index: np.ndarray) -> FlatSequences:
        """``sequences`` of another catalog as rows, without the tracks that this model does not know.

        ``own_index`` (t,) is this model's ``track_index`` by that of the other catalog, ``NO_TRACK`` where it has none.
        """
        mapped = own_index[sequences.values]
        rows = np.where(mapped == NO_TRACK, NO_TRACK, self.tracks.row_of[mapped])
        return FlatSequences(sequences.ids, rows.astype(np.int32), sequences.offsets).where(rows != NO_TRACK)


def save_promoted(model: PromotedModel, path: Path) -> None:
    """Write ``model`` to ``path``; the same model gives the same bytes."""
    freezer = Freezer()
    names = [field.name for field in fields(model) if field.name != "facts"]
    parts = {name: freezer.freeze(getattr(model, name), name) for name in names}
    write_tensors(path, freezer.tensors, {"format": FORMAT, "parts": parts, "facts": model.facts})


def load_facts(path: Path) -> dict[str, Any]:
    """What is known of the model at ``path``, without opening it. Raises as :func:`load_promoted` does."""
    return _checked(read_layout(path).header, path)["facts"]


def load_promoted(path: Path, *, verify: bool = False) -> PromotedModel:
    """Open a promoted model; its arrays are mapped from disk and read when they are used.

    Args:
        path: written by :func:`save_promoted`.
        verify: read every number now and compare with the checksum.

    Raises:
        StoreError: the file is missing, damaged, of another kind, or of another version of this package.
    """
    tensors, header = map_tensors(path, verify=verify)
    parts = _checked(header, path)["parts"]
    try:
        return PromotedModel(**{name: thaw(tree, tensors) for name, tree in parts.items()}, facts=header["facts"])
    except (StoreError, TypeError) as error:
        raise StoreError(f"{path} cannot be opened: {error} {_REMEDY}") from error


def _checked(header: dict[str, Any], path: Path) -> dict[str, Any]:
    if header.get("format") != FORMAT:
        raise StoreError(
            f"{path} is a promoted model of format {header.get('format')}; this version reads {FORMAT}. {_REMEDY}"
        )
    return header
