"""The recommender: strategies fitted once on the training playlists, and the file that keeps them."""

from collections.abc import Callable, Iterator, Mapping
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
from rec_assets.core.ranker.learned import Ranker
from rec_assets.core.ranker.ranked import RankedCandidates
from rec_assets.core.ranker.sources import PROPOSED, NeighbourhoodSettings, Sources, fit_source
from rec_assets.core.recommender.settings import (
    CONTENDERS,
    Contender,
    Fitted,
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
from rec_assets.core.vectors.embeddings import TrackEmbeddings

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


def asks_ranker(settings: RecommenderSettings) -> bool:
    """Whether a recommender of these settings needs a trained ranker."""
    return settings.strategy is StrategyName.ranker or settings.fitted is Fitted.all


def asks_vectors(settings: RecommenderSettings) -> bool:
    """Whether what the chosen strategy recommends depends on vectors."""
    return settings.strategy in (StrategyName.track_vectors, StrategyName.ranker)


def for_small_library(
    settings: RecommenderSettings, vocabulary: int, ranker: Ranker | None
) -> tuple[RecommenderSettings, list[str]]:
    """``settings`` as a ``vocabulary`` of so many tracks and the ``ranker`` allow, and a sentence for each change."""
    possible: dict[str, Any] = {}
    said = []
    if settings.k >= vocabulary:
        possible["k"] = vocabulary - 1
        said.append(
            f"k is lowered from {settings.k} to {vocabulary - 1}: no more can be recommended from a vocabulary of "
            f"{vocabulary} tracks, the query among them. More playlists, or a lower min_count, leave more."
        )
    if settings.strategy is StrategyName.ranker and ranker is not None and not ranker.model:
        possible["strategy"] = StrategyName.playlist_knn
        said.append("strategy is playlist_knn in place of ranker: track_ranker had nothing to learn from.")
    return settings.model_copy(update=possible), said


def fit_recommender(
    training: FlatSequences,
    artists: np.ndarray,
    embeddings: TrackEmbeddings,
    ranker: Ranker | None,
    settings: RecommenderSettings,
    *,
    on_fitted: Callable[[str, int], None] = lambda label, total: None,
) -> Recommender:
    """Fit the chosen strategy, or all of them, as ``settings`` say.

    The ``training`` playlists and (t,) ``artists`` are by track index. The ``embeddings`` were trained on them all, the
    ``ranker`` on a part; it is None where :func:`asks_ranker` says that it is not needed, and left out of the compared
    ones where it learned nothing. ``on_fitted`` is called with the label of each strategy that is fitted, and of
    how many.

    Raises:
        SettingsError: ``k`` is more than can be recommended, or the ranker learned from strategies of other settings.
    """
    if settings.k >= len(embeddings):
        raise SettingsError(
            f"k={settings.k} is above what can be recommended: the vocabulary has {len(embeddings)} tracks, the query "
            f"among them. Set k to {len(embeddings) - 1} or less, or lower min_count of track_embeddings."
        )
    if ranker is not None:
        _require_own_sources(ranker, settings)
    tracks = Tracks.count_in(training, artists)
    rows, trained_on = tracks.rows(training), np.sort(training.ids)
    del training  # 50 MB at full size, where the caller does not keep them either
    fitted: dict[str, Strategy] = {}

    def fit(contender: Contender) -> Strategy:
        name = contender.strategy.value
        if contender.strategy is StrategyName.track_vectors:
            return TrackVectors.fit(tracks, embeddings, contender.query)
        if name in fitted:  # another contender asks the same strategy with other repeats
            return fitted[name]
        if contender.strategy is not StrategyName.ranker:
            return fit_source(name, tracks, rows, embeddings, settings)
        if ranker is None:
            raise LookupError("the settings ask for a ranker, and none was given")
        return RankedCandidates.join(Sources.join(tracks, fitted), ranker)

    wanted = _wanted(settings, ranker)
    for contender in wanted:
        fitted[contender.label] = fit(contender)
        on_fitted(contender.label, len(wanted))
    has_vector = np.zeros(len(tracks), bool)
    has_vector[tracks.row_of[embeddings.track_index]] = True
    return Recommender(settings, tracks, fitted, has_vector, trained_on)


def _wanted(settings: RecommenderSettings, ranker: Ranker | None) -> list[Contender]:
    """What is to be fitted; the ranker comes after those that it joins."""
    chosen = chosen_contender(settings)
    if settings.fitted is Fitted.all:
        unlearned = ranker is not None and not ranker.model
        known = [one for one in CONTENDERS if not (unlearned and one.strategy is StrategyName.ranker)]
        return list(dict.fromkeys([*known, chosen]))
    if chosen.strategy is StrategyName.ranker:
        return [*(known for known in CONTENDERS if known.label in PROPOSED), chosen]
    return [chosen]


def _require_own_sources(ranker: Ranker, settings: RecommenderSettings) -> None:
    asked = NeighbourhoodSettings.among(settings)
    learned = {name: ranker.settings.get(name) for name in asked}
    differing = [f"{name} {learned[name]}, now {asked[name]}" for name in asked if learned[name] != asked[name]]
    if differing:
        raise SettingsError(
            f"the ranker learned from strategies of other settings ({', '.join(differing)}). Materialize "
            "track_ranker with the same settings as recommender; training_job does."
        )


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
