"""A model for notebooks and scripts: names in, DataFrames out."""

import os
import tempfile
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rec_assets.core.base.artists import track_name
from rec_assets.core.base.errors import RecAssetsError
from rec_assets.core.names.search import Found, FoundArtist
from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.promoted.named_rules import NamedRules, unknown_artist_sentence
from rec_assets.core.promoted.recommendations import Request, recommend_after_each
from rec_assets.core.promoted.rules import Rules
from rec_assets.core.promoted.similar import similar_tracks
from rec_assets.paths import storage_base
from rec_assets.serving.answer import asked_of, title_of, unknown_sentence
from rec_assets.serving.python.asking import names_of, pairs_of, playlist_of, require_count, text_of
from rec_assets.store.promoted_models import PromotedModels

if TYPE_CHECKING:
    import pandas as pd


class SpellingWarning(UserWarning):
    """A name was not spelt as the model knows it, and taken for the nearest one, or no word of a title is known."""


class UnknownTracksError(RecAssetsError):
    """Nothing that the model knows is spelt like some of the tracks, or artists of rules.

    Attributes:
        near: by the (artist, track) that was asked, up to five pairs that are spelt a little like it, best first; the
            artists of rules are pairs with None for the track.
    """

    def __init__(self, found: Iterable[Found], artists: Iterable[FoundArtist] = ()) -> None:
        unknown, nobody = {one.asked: one for one in found}, {one.asked: one for one in artists}
        self.near: dict[tuple[str, str | None], list[tuple[str | None, str | None]]] = {
            **{asked: [(near.artist, near.title) for near in one.near] for asked, one in unknown.items()},
            **{(asked, None): [(near, None) for near in one.near] for asked, one in nobody.items()},
        }
        super().__init__(
            "\n".join([*map(unknown_sentence, unknown.values()), *map(unknown_artist_sentence, nobody.values())])
        )


class Model:
    """A trained recommender with the names of its tracks; :func:`load` and :func:`train` make one.

    Nothing in it changes, so that threads may share it. Missing artists and titles are NaN in all DataFrames.

    Attributes:
        version: of the promoted model in its store; None for one that was trained in memory.
    """

    def __init__(self, model: PromotedModel, measured: Mapping[str, Mapping[str, Any]]) -> None:
        self._model, self._measured = model, measured
        self.version: int | None = model.facts.get("version")

    @property
    def hit_rate(self) -> float:
        """Share (0..1) of the validation playlists whose last track is among the ``k`` recommended after the others."""
        return self._measured["validation"]["hit_rate"]

    @property
    def hit_rates(self) -> "pd.DataFrame":
        """A row for each part that was measured: ``validation``, and ``test`` where it was trained in memory.

        Columns are ``k, playlists, hit_rate``, its 95 % interval ``low, high``, and ``popularity``, the hit rate of the
        ``k`` most frequent tracks.
        """
        import pandas as pd

        rows = {
            part: {
                "k": report["k"],
                "playlists": report["playlists"],
                "hit_rate": report["hit_rate"],
                "low": report["interval"][0],
                "high": report["interval"][1],
                "popularity": report["popularity_hit_rate"],
            }
            for part, report in self._measured.items()
        }
        return pd.DataFrame.from_dict(rows, orient="index")

    @property
    def tracks(self) -> "pd.DataFrame":
        """What can be recommended, the most frequent first: ``artist, track, training_count``; made when first asked.

        ``training_count`` is how often the track occurs in the training playlists.
        """
        return self._tracks.copy(deep=False)

    @cached_property
    def _tracks(self) -> "pd.DataFrame":
        tracks = self._model.recommender.tracks
        known = int(np.searchsorted(-tracks.count, 0))  # counts fall
        return self._frame(tracks.track_index[:known], training_count=tracks.count[:known])

    def recommend(
        self,
        playlist: Iterable[tuple[str, str]] = (),
        k: int = 10,
        why: bool = False,
        *,
        title: str = "",
        per_artist: int | None = None,
        exclude: Iterable[tuple[str, str]] = (),
        exclude_artists: Iterable[str] = (),
        only: Iterable[tuple[str, str]] = (),
        only_artists: Iterable[str] = (),
    ) -> "pd.DataFrame":
        """The ``k`` best tracks after ``playlist``, for its ``title``, or both; fewer if there are no more.

        Args:
            playlist: (artist, track) pairs in order, the last counts most; ``("", "Title")`` for a track without
                artist. Spelling need not be exact.
            k: 1 to 1,000.
            why: with a column ``because``: a list of up to three tracks of ``playlist`` that speak for each, as
                dictionaries of ``artist, track, similarity, playlists``.
            title: of the playlist, such as "summer 2016".
            per_artist: tracks of one artist at most, 1 to 1,000; None = as many as fit.
            exclude: (artist, track) pairs that are not recommended.
            exclude_artists: nor anything of these.
            only: (artist, track) pairs that alone are recommended,
            only_artists: beside what is of these; both empty = everything.

        Returns:
            Columns ``rank`` (1 = best) ``, artist, track, score``; the score falls with the rank and is NaN where the
            list was filled up with what is popular. ``attrs["asked"]`` says what each pair was taken for,
            ``attrs["title"]`` which words of the title are known.

        Raises:
            UnknownTracksError: some of the tracks are not known, or names of the rules are not known as they are
                written; of these none is taken for another.
            TypeError, ValueError: ``playlist`` or a list holds no pairs or names, ``playlist`` and ``title`` are empty,
                or a number is out of its bounds.
        """
        import pandas as pd

        title = text_of(title).strip()
        pairs = playlist_of(playlist, title)
        require_count("k", k)
        if per_artist is not None:
            require_count("per_artist", per_artist)
        named = NamedRules(
            per_artist,
            pairs_of(exclude, "exclude"),
            names_of(exclude_artists, "exclude_artists"),
            pairs_of(only, "only"),
            names_of(only_artists, "only_artists"),
        )
        found = self._find(pairs)
        request = Request([_track(one) for one in found], k, why, title, self._rules(named))
        rows = [asdict(one) for one in recommend_after_each(self._model, [request])[0]]
        kinds = {"rank": "int64", "artist": "str", "track": "str", "score": "float64"}
        frame = pd.DataFrame(rows, columns=[*kinds, *["because"] * why]).astype(kinds)
        frame.attrs = {**self._attrs(found), "title": self._title(title, alone=not found)}
        return frame

    def similar(self, artist: str, track: str, k: int = 10) -> "pd.DataFrame":
        """The ``k`` tracks most like one: whose Word2Vec input vectors have the greatest cosine with its own.

        Returns:
            Columns ``rank`` (1 = nearest) ``, artist, track, similarity`` (-1..1), and ``attrs`` as of
            :meth:`recommend`. Only tracks that occur ``min_count`` times in training have a vector.

        Raises:
            UnknownTracksError: the track is not known.
            DataError: it has no vector, or the model holds none.
            TypeError, ValueError: as of :meth:`recommend`.
        """
        require_count("k", k)
        found = self._find(pairs_of([(artist, track)]))
        near = similar_tracks(self._model, _track(found[0]), k=k)
        frame = self._frame(near.track_index, similarity=near.cosine)
        frame.insert(0, "rank", np.arange(1, len(frame) + 1))
        frame.attrs = self._attrs(found)
        return frame

    def __repr__(self) -> str:
        """Version, strategy, hit rate and size."""
        measured, tracks = self._measured["validation"], self._model.recommender.tracks
        made = "trained in memory" if self.version is None else f"version {self.version}"
        return (
            f"<rec_assets.Model {made}: {self._model.recommender.chosen.label}, hit rate@{measured['k']} "
            f"{self.hit_rate:.3f} on {measured['playlists']:,} validation playlists, "
            f"{int((tracks.count > 0).sum()):,} tracks>"
        )

    def _find(self, pairs: list[tuple[str, str]]) -> list[Found]:
        """The track of each pair, with a warning where it is spelt otherwise. Raises UnknownTracksError."""
        found = [self._model.names.find(artist, title) for artist, title in pairs]
        unknown = [one for one in found if one.track is None]
        if unknown:
            raise UnknownTracksError(unknown)
        for one in found:
            if not one.is_exact:
                taken = track_name(*self._model.names.name_of(_track(one)))
                warnings.warn(f"{track_name(*one.asked)}: taken for {taken}", SpellingWarning, stacklevel=3)
        return found

    def _rules(self, named: NamedRules) -> Rules:
        """The rules. Raises UnknownTracksError."""
        names = self._model.names
        found = named.find(names.find, names.find_artist)
        if found.unknown_tracks or found.unknown_artists:
            raise UnknownTracksError(found.unknown_tracks, found.unknown_artists)
        return found.rules

    def _title(self, title: str, *, alone: bool) -> dict[str, Any] | None:
        """What is known of the title, as HTTP has it, with a warning where it is nothing."""
        if not title:
            return None
        known = title_of(self._model, title, alone=alone)
        if not known.known_words:
            warnings.warn(f"{title}: {known.note}", SpellingWarning, stacklevel=3)
        return known.model_dump()

    def _attrs(self, found: list[Found]) -> dict[Any, Any]:
        """What an answer is an answer to, as HTTP has it."""
        asked = asked_of(self._model.names, found)
        return {"version": self.version, "asked": [one.model_dump() for one in asked]}

    def _frame(self, tracks: np.ndarray, **columns: np.ndarray) -> "pd.DataFrame":
        """Names of ``tracks`` (n,) and the ``columns`` (n,)."""
        import pandas as pd

        artists, titles = (pd.Series(texts.to_pandas(), dtype="str") for texts in self._model.names.columns(tracks))
        return pd.DataFrame({"artist": artists, "track": titles, **columns})


def load(store: str | os.PathLike[str] | None = None) -> Model:
    """The promoted model of ``store``, a folder or a URL; ``REC_ASSETS_STORAGE`` or ``data/storage`` unless given.

    Its file is mapped, not read: loading takes no time, and processes share its memory. What is promoted later is
    another model: load again.

    Example:
        >>> import rec_assets
        >>> model = rec_assets.load("data/storage")
        >>> favourites = model.tracks.head(2)[["artist", "track"]].values.tolist()
        >>> answer = model.recommend(favourites, k=5)
        >>> answer.columns.tolist()
        ['rank', 'artist', 'track', 'score']
        >>> model.similar(*favourites[0], k=3).columns.tolist()
        ['rank', 'artist', 'track', 'similarity']

    Raises:
        StoreError: nothing was promoted there, or its file is missing, damaged or of another version of this package.
    """
    with tempfile.TemporaryDirectory() as scratch:
        model = PromotedModels(storage_base(str(store or "")), Path(scratch)).open_current()
    return Model(model, {"validation": {**model.facts, "playlists": model.facts["validation_playlists"]}})


def _track(found: Found) -> int:
    if found.track is None:
        raise LookupError(found.asked)
    return found.track
