"""Answers a question by a model; knows nothing of HTTP."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import BaseModel

from rec_assets.core.base.errors import RecAssetsError
from rec_assets.core.names import Found, NearTrack
from rec_assets.core.promoted import Recommendation, recommend_after
from rec_assets.serving.http.current import Served
from rec_assets.serving.http.questions import Question


@dataclass(frozen=True)
class Asked:
    """A pair that was asked.

    Attributes:
        artist, track: as they were asked.
        taken_for: artist and track, as they are written in the catalog.
        is_exact: they are equal up to case, accents, punctuation and spaces.
    """

    artist: str
    track: str
    taken_for: dict[str, str | None]
    is_exact: bool


class Answer(BaseModel):
    """What is recommended, all of it by one version of the model."""

    version: int
    asked: list[Asked]
    recommendations: list[Recommendation]


class UnknownTracksError(RecAssetsError):
    """Tracks that are not known.

    Args:
        found: the searches that found nothing sure.
    """

    def __init__(self, found: Sequence[Found]) -> None:
        super().__init__(f"{len(found)} of the tracks are not known. See did_you_mean, or leave them out.")
        self._found = found

    def as_dict(self) -> dict[str, Any]:
        """The tracks with those near them."""
        unknown = [
            {"artist": one.asked[0], "track": one.asked[1], "did_you_mean": [_near(track) for track in one.near]}
            for one in self._found
        ]
        return {"detail": str(self), "unknown": unknown}


def answer(served: Served, question: Question) -> str:
    """The answer as JSON; ``because`` is in it if ``why`` was asked.

    Raises:
        UnknownTracksError: a track is unknown.
    """
    names = served.model.names
    found = [served.find(artist, track) for artist, track in question.pairs]
    unknown = [one for one in found if one.track is None]
    if unknown:
        raise UnknownTracksError(unknown)
    tracks = [one.track for one in found if one.track is not None]
    taken_for = [{"artist": names.artist_of(track), "track": names.title_of(track)} for track in tracks]
    document = Answer(
        version=served.version,
        asked=[Asked(*one.asked, taken, one.is_exact) for one, taken in zip(found, taken_for, strict=True)],
        recommendations=recommend_after(served.model, tracks, k=question.k, reasons=question.why),
    )
    return document.model_dump_json(exclude=None if question.why else {"recommendations": {"__all__": {"because"}}})


def _near(track: NearTrack) -> dict[str, Any]:
    told = asdict(track)
    return {"artist": told["artist"], "track": told["title"], "likeness": told["likeness"]}
