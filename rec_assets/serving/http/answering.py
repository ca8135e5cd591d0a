"""What may be asked, and the answer by a model; knows nothing of HTTP."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from rec_assets.core.base.errors import RecAssetsError
from rec_assets.core.names.search import Found
from rec_assets.core.promoted.recommendations import Request, recommend_after_each
from rec_assets.serving.answer import answer_json
from rec_assets.serving.http.current import Served

MOST_PAIRS, LONGEST_NAME, MOST_TRACKS = 100, 300, 1_000
_SHOWN = 40
_EXPECTED = {
    **dict.fromkeys(("artist", "track"), f"at most {LONGEST_NAME} characters"),
    "k": f"a whole number from 1 to {MOST_TRACKS}",
    "why": "true or false",
}

Name = Annotated[str, StringConstraints(strip_whitespace=True, max_length=LONGEST_NAME)]
Names = Annotated[list[Name], Field(max_length=MOST_PAIRS)]


class Question(BaseModel):
    """Pairs of artist and track, at least one of them named, in order; the last pair counts most."""

    model_config = ConfigDict(extra="forbid")

    artist: Names = Field(
        default=[], description="The artist of each track, one after the other; empty for a track that has none."
    )
    track: Names = Field(default=[], description="As many tracks as artists, in the same order; or none has a title.")
    k: int = Field(default=10, ge=1, le=MOST_TRACKS, description="Tracks recommended.")
    why: bool = Field(default=False, description="Say which of the tracks speak for each recommendation.")

    @model_validator(mode="after")
    def _are_pairs(self) -> "Question":
        # A parameter that is absent is empty in every pair.
        self.artist = self.artist or [""] * len(self.track)
        self.track = self.track or [""] * len(self.artist)
        if not self.artist:
            raise ValueError("artist and track are missing; expected at least one of both")
        if len(self.artist) != len(self.track):
            raise ValueError(
                f"artist occurs {len(self.artist)} times and track {len(self.track)} times; expected pairs, with "
                "`artist=` for a track without artist"
            )
        unnamed = [place for place, pair in enumerate(zip(self.artist, self.track, strict=True), 1) if not any(pair)]
        if unnamed:
            raise ValueError(f"pair number {unnamed[0]} has neither artist nor track; expected at least one of both")
        return self


class UnknownTracksError(RecAssetsError):
    """Some tracks are not known; ``found`` are the searches that found nothing sure."""

    def __init__(self, found: Sequence[Found]) -> None:
        super().__init__(f"{len(found)} of the tracks are not known. See did_you_mean, or leave them out.")
        self._found = found

    def as_dict(self) -> dict[str, Any]:
        """The tracks with those near them."""
        unknown = []
        for one in self._found:
            near = [{"artist": found.artist, "track": found.title, "likeness": found.likeness} for found in one.near]
            unknown.append({"artist": one.asked[0], "track": one.asked[1], "did_you_mean": near})
        return {"detail": str(self), "unknown": unknown}


def answer_each(served: Served, questions: Sequence[Question]) -> list[str | UnknownTracksError]:
    """The answer to each of ``questions`` as JSON, with ``because`` if ``why`` was asked, or the error that it is."""
    found = [
        [served.find(artist, track) for artist, track in zip(question.artist, question.track, strict=True)]
        for question in questions
    ]
    tracks = [[one.track for one in own if one.track is not None] for own in found]
    known = [place for place, own in enumerate(found) if len(tracks[place]) == len(own)]
    requests = [Request(tracks[place], questions[place].k, questions[place].why) for place in known]
    recommended = recommend_after_each(served.model, requests) if requests else []
    answers = dict(zip(known, recommended, strict=True))
    return [
        answer_json(served.model, found[place], answers[place], why=question.why)
        if place in answers
        else UnknownTracksError([one for one in found[place] if one.track is None])
        for place, question in enumerate(questions)
    ]


def explained(errors: Sequence[Any]) -> dict[str, str]:
    """What is wrong with a question, of pydantic's ``errors``: ``parameter`` and ``detail``."""
    # That there are too many comes before what is wrong with some of the many.
    error = min(errors, key=lambda error: error["type"] != "too_long")
    _, *where = error["loc"]
    if not where:
        return {"parameter": "artist", "detail": error["msg"].removeprefix("Value error, ") + "."}
    name, *place = map(str, where)
    which = f"{name} number {int(place[0]) + 1}" if place else name
    if error["type"] == "extra_forbidden":
        return {"parameter": name, "detail": f"{which} is no parameter; there are {', '.join(Question.model_fields)}."}
    if error["type"] == "too_long":
        return {"parameter": name, "detail": f"{which} occurs too often; expected at most {MOST_PAIRS} of it."}
    found = repr(error["input"])
    found = found if len(found) <= _SHOWN else f"{found[:_SHOWN]}…"
    return {"parameter": name, "detail": f"{which} is {found}; expected {_EXPECTED[name]}."}
