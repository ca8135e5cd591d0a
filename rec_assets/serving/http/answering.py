"""The answer of a model to what is asked; knows nothing of HTTP."""

import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel

from rec_assets.core.base.errors import RecAssetsError
from rec_assets.core.names.search import Found
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
    """Some tracks are not known; ``found`` are the searches that found nothing sure."""

    def __init__(self, found: Sequence[Found]) -> None:
        unsearched = sum(not one.is_searched for one in found)
        advice = (
            f"{unsearched} of them were looked for as they are written alone, since other spellings take too long. "
            "Ask for fewer at once."
        )
        known = f"{len(found)} of the tracks are not known. See did_you_mean, or leave them out."
        super().__init__(f"{known} {advice}" if unsearched else known)
        self._found = found

    def as_dict(self) -> dict[str, Any]:
        """The tracks with those near them."""
        unknown = []
        for one in self._found:
            near = [{"artist": found.artist, "track": found.title, "likeness": found.likeness} for found in one.near]
            unknown.append({"artist": one.asked[0], "track": one.asked[1], "did_you_mean": near})
        return {"detail": str(self), "unknown": unknown}


def suggest_each(served: Served, searches: Sequence[Search]) -> list[str]:
    """:class:`Suggestions` for each of ``searches``, as JSON."""
    return [_suggestions(served, search.query) for search in searches]


def _suggestions(served: Served, query: str) -> str:
    names = served.model.names.of(np.array(served.suggest(query), np.int64))
    tracks = [NamedTrack(artist=artist, track=track) for artist, track in names]
    return Suggestions(version=served.facts["version"], tracks=tracks).model_dump_json()


def answer_each(served: Served, questions: Sequence[Asking]) -> list[str | RecAssetsError]:
    """The answer to each of ``questions`` as JSON, with ``because`` if ``why`` was asked, or the error that it is."""
    found = _find_each(served, questions)
    tracks = [[one.track for one in own if one.track is not None] for own in found]
    known = [place for place, own in enumerate(found) if len(tracks[place]) == len(own)]
    requests = [Request(tracks[place], questions[place].k, questions[place].why) for place in known]
    recommended = recommend_after_each(served.model, requests) if requests else []
    answers = dict(zip(known, recommended, strict=True))
    return [
        answer_json(served.model, found[place], answers[place], why=questions[place].why)
        if place in answers
        else _unknown(found[place])
        for place in range(len(questions))
    ]


def _unknown(found: Sequence[Found]) -> RecAssetsError:
    if len(found) <= _FEW and not all(one.is_searched for one in found):
        return BusyError()
    return UnknownTracksError([one for one in found if one.track is None])


def _find_each(served: Served, questions: Sequence[Asking]) -> list[list[Found]]:
    """Short questions first, so that one of many unknown names takes the time from none but itself."""
    until = time.monotonic() + SEARCH_SECONDS
    found: dict[int, list[Found]] = {}
    for place in sorted(range(len(questions)), key=lambda place: len(questions[place].pairs)):
        found[place] = _find_all(served, questions[place].pairs, until)
    return [found[place] for place in range(len(questions))]


def _find_all(served: Served, pairs: Sequence[tuple[str, str]], until: float) -> list[Found]:
    found: list[Found] = []
    for pair in pairs:
        # The first misspelt name of a question is looked for at any time.
        is_time = time.monotonic() < until or all(one.is_exact for one in found)
        found.append(served.find(*pair) if is_time else served.model.names.find(*pair, spelling=False))
    return found
