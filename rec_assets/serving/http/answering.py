"""The answer of a model to what is asked; knows nothing of HTTP."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel

from rec_assets.core.base.errors import RecAssetsError
from rec_assets.core.names.search import Found, FoundArtist
from rec_assets.core.promoted.named_rules import FoundRules
from rec_assets.core.promoted.recommendations import Request, recommend_after_each
from rec_assets.serving.answer import answer_json
from rec_assets.serving.http.asking import Asking, Search
from rec_assets.serving.http.current import Served

# Likeness searches, of some 50 ms each among millions of tracks, may take so long for all that is answered together.
SEARCH_SECONDS = 1.0
# Who asks for so few pairs cannot ask for fewer, but again.
_FEW = 5


class NamedTrack(BaseModel):
    """A track as the catalog writes it; null where a name is unknown."""

    artist: str | None
    track: str | None


class Suggestions(BaseModel):
    """Tracks that may be meant, best first, of one version of the model."""

    version: int
    tracks: list[NamedTrack]


class BusyError(RecAssetsError):
    """A misspelt name of a short question could not be looked for in time."""

    def __init__(self) -> None:
        super().__init__("Too many misspelt names are looked for at once. Ask again in a second.")


class UnknownTracksError(RecAssetsError):
    """Some names are not known; ``tracks`` and ``artists`` are the searches that found nothing sure."""

    def __init__(self, tracks: Sequence[Found], artists: Sequence[FoundArtist] = ()) -> None:
        unsearched = sum(not one.is_searched for one in tracks)
        advice = (
            f"{unsearched} of them were looked for as they are written alone, since other spellings take too long. "
            "Ask for fewer at once."
        )
        counted = [f"{len(own)} of the {what}" for own, what in ((tracks, "tracks"), (artists, "artists")) if own]
        known = f"{' and '.join(counted)} are not known. See did_you_mean, or leave them out."
        super().__init__(f"{known} {advice}" if unsearched else known)
        self._tracks, self._artists = tracks, artists

    def as_dict(self) -> dict[str, Any]:
        """The tracks, and the artists of rules, which have no track, with those near them."""
        unknown: list[dict[str, Any]] = []
        for one in self._tracks:
            near = [{"artist": found.artist, "track": found.title, "likeness": found.likeness} for found in one.near]
            unknown.append({"artist": one.asked[0], "track": one.asked[1], "did_you_mean": near})
        for artist in self._artists:
            unknown.append({"artist": artist.asked, "did_you_mean": [{"artist": near} for near in artist.near]})
        return {"detail": str(self), "unknown": unknown}


def suggest_each(served: Served, searches: Sequence[Search]) -> list[str]:
    """:class:`Suggestions` for each of ``searches``, as JSON."""
    return [_suggestions(served, search.query) for search in searches]


def _suggestions(served: Served, query: str) -> str:
    names = served.model.names.of(np.array(served.suggest(query), np.int64))
    tracks = [NamedTrack(artist=artist, track=track) for artist, track in names]
    return Suggestions(version=served.facts["version"], tracks=tracks).model_dump_json()


@dataclass(frozen=True)
class _Understood:
    """What a question ``asked`` is taken for: the tracks that were ``found``, and the rules."""

    asked: Asking
    found: Sequence[Found]
    rules: FoundRules

    @property
    def error(self) -> RecAssetsError | None:
        """That some names are unknown."""
        tracks = [one for one in self.found if one.track is None] + [*self.rules.unknown_tracks]
        if not (tracks or self.rules.unknown_artists):
            return None
        if _names_in(self.asked) <= _FEW and not all(one.is_searched for one in tracks):
            return BusyError()
        return UnknownTracksError(tracks, self.rules.unknown_artists)

    @property
    def request(self) -> Request:
        """Of tracks that are all known."""
        tracks = [one.track for one in self.found if one.track is not None]
        return Request(tracks, self.asked.k, self.asked.why, self.asked.title, self.rules.rules)


def answer_each(served: Served, questions: Sequence[Asking]) -> list[str | RecAssetsError]:
    """The answer to each of ``questions`` as JSON, with ``because`` if ``why`` was asked, or the error that it is."""
    understood = _understand_each(served, questions)
    errors = [one.error for one in understood]
    known = [one for one, error in zip(understood, errors, strict=True) if error is None]
    recommended = iter(recommend_after_each(served.model, [one.request for one in known]) if known else [])
    return [
        error or answer_json(served.model, one.found, next(recommended), title=one.asked.title, why=one.asked.why)
        for one, error in zip(understood, errors, strict=True)
    ]


def _understand_each(served: Served, questions: Sequence[Asking]) -> list[_Understood]:
    """Short questions first, so that one of many unknown names takes the time from none but itself."""
    until = time.monotonic() + SEARCH_SECONDS
    understood: dict[int, _Understood] = {}
    for place in sorted(range(len(questions)), key=lambda place: _names_in(questions[place])):
        own, search = questions[place], _Search(served, until)
        found = [search.track(*pair) for pair in own.pairs]
        understood[place] = _Understood(own, found, own.rules.find(search.track, search.artist))
    return [understood[place] for place in range(len(questions))]


def _names_in(question: Asking) -> int:
    rules = question.rules
    return sum(map(len, (question.pairs, rules.exclude, rules.exclude_artists, rules.only, rules.only_artists)))


@dataclass
class _Search:
    """Searches for the names of one question, the first misspelt one at any time, others ``until`` then."""

    served: Served
    until: float
    is_first: bool = True

    def track(self, artist: str, title: str) -> Found:
        """One track."""
        names, is_time = self.served.model.names, self._is_time()
        found = self.served.find(artist, title) if is_time else names.find(artist, title, spelling=False)
        self.is_first &= found.is_exact
        return found

    def artist(self, artist: str) -> FoundArtist:
        """One artist."""
        found = self.served.model.names.find_artist(artist, spelling=self._is_time())
        self.is_first &= found.group is not None
        return found

    def _is_time(self) -> bool:
        return self.is_first or time.monotonic() < self.until
