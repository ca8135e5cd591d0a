"""The recommender: strategies fitted once on the training playlists, and the file that keeps them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from rec_assets.core.base.artists import UNKNOWN_ARTIST
from rec_assets.core.base.errors import SettingsError, UnreadableError
from rec_assets.core.base.flat_sequences import FlatSequences
from rec_assets.core.base.lineage import LINEAGE_KEY, Lineage
from rec_assets.core.base.shards import cut
from rec_assets.core.base.tensor_file import map_tensors, of_prefix, require_arrays, with_prefix, write_tensors
from rec_assets.core.ranker.ranked import RankedCandidates
from rec_assets.core.recommender.settings import (
    CONTENDERS,
    Contender,
    RecommenderSettings,
    StrategyName,
    chosen_contender,
)
from rec_assets.core.strategies.answers import Answers, Strategy
from rec_assets.core.strategies.artist_affinity import ArtistAffinity
from rec_assets.core.strategies.item_knn import ItemKnn, SequentialRules
from rec_assets.core.strategies.playlist_knn import PlaylistKnn
from rec_assets.core.strategies.popularity import Popularity, recommend
from rec_assets.core.strategies.title_words import TitleWords
from rec_assets.core.strategies.track_vectors import TrackVectors
from rec_assets.core.strategies.tracks import Tracks

# Histories answered before the next are looked at: it bounds memory where rules ask for long lists.
_CHUNK = 1_024
_TRACKS = ("track_index", "count", "artist", "row_of")


@dataclass(frozen=True)
class Recommender:
    """Fitted strategies, one of which is chosen. A *row* is a place in the arrays of ``tracks``.

    Attributes:
        strategies: by the label of their contender; the chosen one is among them.
        has_vector: (t,) bool by row.
        trained_on: (n,) uint64 ids of the training playlists, ascending.
    """

    settings: RecommenderSettings
    tracks: Tracks
    strategies: Mapping[str, Strategy]
    has_vector: np.ndarray
    trained_on: np.ndarray

    @cached_property
    def chosen(self) -> Contender:
        """The strategy that the settings choose, as it is asked."""
        return chosen_contender(self.settings)

    @property
    def contenders(self) -> list[Contender]:
        """All that are fitted and differ, in a fixed order: without artists, artist affinity is popularity, and so are
        title words where titles share none.
        """
        known = dict.fromkeys([*CONTENDERS, self.chosen])
        knows = {StrategyName.artist_affinity: self.knows_artists, StrategyName.title_words: self.knows_titles}
        same = {strategy.value for strategy, is_known in knows.items() if not is_known} - {self.chosen.label}
        return [contender for contender in known if contender.label in self.strategies.keys() - same]

    @property
    def knows_artists(self) -> bool:
        """Whether any track has an artist."""
        return bool((self.tracks.artist != UNKNOWN_ARTIST).any())

    @property
    def knows_titles(self) -> bool:
        """Whether it was fitted with title words, and knows any."""
        return self.title_words is not None and len(self.title_words.words) > 0

    @property
    def title_words(self) -> TitleWords | None:
        """The words of titles that it was fitted with; None if it was fitted without."""
        return next((one for one in self.strategies.values() if isinstance(one, TitleWords)), None)

    @property
    def vectors(self) -> TrackVectors | None:
        """The vectors that it was fitted with, asked in whatever way; None if it was fitted without."""
        return next((one for one in self.strategies.values() if isinstance(one, TrackVectors)), None)

    def answers(
        self, histories: FlatSequences, *, depth: int, contender: Contender | None = None
    ) -> Iterator[tuple[slice, Answers]]:
        """The ``depth`` best rows after each history of rows, chunk by chunk, by ``contender``, else the chosen one.

        The same history gets the same answers in whatever batch it comes. An empty one is answered by the words of its
        title, and where it has none that is known gets the most frequent tracks, with no score.
        """
        for part in cut(len(histories), _CHUNK):
            yield part, self._answer(histories[part], depth, contender or self.chosen)

    def _answer(self, histories: FlatSequences, depth: int, asked: Contender) -> Answers:
        silent = histories.lengths() == 0
        titled = silent & self.has_known_title(histories) if silent.any() else silent
        answers = Answers.empty(len(histories), depth)
        for strategy, asking in ((self.strategies[asked.label], ~silent), (self.title_words, titled)):
            places = np.flatnonzero(asking)
            if strategy is None or len(places) == 0:
                continue
            heard = histories.at(places)
            for part, found in recommend(strategy, self.tracks, heard, depth=depth, repeats=asked.repeats):
                answers.rows[places[part]], answers.scores[places[part]] = found.rows, found.scores
        if (silent & ~titled).any():
            # Without a score, as where popularity fills up a list.
            answers.rows[silent & ~titled] = Popularity(self.tracks).score(histories[:1]).top(depth).rows
        return answers

    def has_known_title(self, histories: FlatSequences) -> np.ndarray:
        """(m,) bool, whether a word of the title of each of ``histories`` is known."""
        if self.title_words is None:
            return np.zeros(len(histories), bool)
        return np.diff(self.title_words.known_words(histories).starts) > 0

    def arrays(self) -> dict[str, np.ndarray]:
        """All arrays by name, from which, with the settings, :meth:`from_arrays` makes the recommender again."""
        arrays = with_prefix({name: getattr(self.tracks, name) for name in _TRACKS}, "tracks")
        arrays |= {"has_vector": self.has_vector, "trained_on": self.trained_on}
        for label, strategy in self.strategies.items():
            arrays |= with_prefix(strategy.arrays(), f"strategies.{label}")
        return arrays

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, np.ndarray], settings: RecommenderSettings, labels: list[str]
    ) -> "Recommender":
        """The inverse of :meth:`arrays`; ``labels`` are those of the strategies.

        Raises:
            UnreadableError: an array is missing.
        """
        require_arrays(arrays, [*(f"tracks.{name}" for name in _TRACKS), "has_vector", "trained_on"])
        tracks = Tracks(**of_prefix(arrays, "tracks"))
        contenders = {known.label: known for known in (*CONTENDERS, chosen_contender(settings))}
        strategies: dict[str, Strategy] = {}
        # The ranker joins the others, so it is made last.
        for label in sorted(labels, key=lambda label: contenders[label].strategy is StrategyName.ranker):
            own = of_prefix(arrays, f"strategies.{label}")
            strategies[label] = _strategy_of(contenders[label], own, tracks, settings, strategies)
        in_order = {label: strategies[label] for label in labels}
        return cls(settings, tracks, in_order, arrays["has_vector"], arrays["trained_on"])


def _strategy_of(
    asked: Contender, arrays: dict[str, np.ndarray], tracks: Tracks, settings: RecommenderSettings, others: dict
) -> Strategy:
    match asked.strategy:
        case StrategyName.playlist_knn:
            return PlaylistKnn.from_arrays(arrays, tracks, settings)
        case StrategyName.item_knn:
            return ItemKnn.from_arrays(arrays, settings)
        case StrategyName.sequential_rules:
            return SequentialRules.from_arrays(arrays)
        case StrategyName.track_vectors:
            return TrackVectors.from_arrays(arrays, tracks, asked.query)
        case StrategyName.artist_affinity:
            return ArtistAffinity.from_arrays(arrays, tracks)
        case StrategyName.title_words:
            return TitleWords.from_arrays(arrays, tracks)
        case StrategyName.popularity:
            return Popularity(tracks)
        case StrategyName.ranker:
            return RankedCandidates.from_arrays(arrays, tracks, others)


def save_recommender(
    recommender: Recommender, path: Path, notes: Mapping[str, Any], more: Mapping[str, np.ndarray] | None = None
) -> None:
    """Write ``recommender`` to ``path``, with ``notes``, its lineage among them, and ``more`` arrays.

    The same input gives the same bytes.
    """
    header = {"settings": recommender.settings.as_dict(), "strategies": list(recommender.strategies)}
    write_tensors(path, {**recommender.arrays(), **(more or {})}, {**header, "notes": dict(notes)})


def open_recommender(path: Path) -> tuple[Recommender, dict[str, Any], dict[str, np.ndarray]]:
    """The recommender of a file whose bytes were checked, mapped from disk; its notes; and all arrays of the file.

    Raises:
        UnreadableError: the file is cut off, of another kind, or of a version with other settings.
    """
    arrays, header = map_tensors(path)
    try:
        Lineage.from_json(header["notes"][LINEAGE_KEY])  # of another format the rest may mean something else
        settings = RecommenderSettings(**header["settings"])
        return Recommender.from_arrays(arrays, settings, list(header["strategies"])), header["notes"], arrays
    except (KeyError, SettingsError) as error:
        raise UnreadableError(f"is no recommender that this version of rec_assets knows ({error})") from error
