"""What may be asked: the parameters of ``/recommend`` with their bounds."""

from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

MOST_PAIRS, LONGEST_NAME, MOST_TRACKS = 100, 300, 1_000
_SHOWN = 40
_EXPECTED = {
    **dict.fromkeys(("artist", "track"), f"1 to {LONGEST_NAME} characters"),
    "k": f"a whole number from 1 to {MOST_TRACKS}",
    "why": "true or false",
}

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME)]
Names = Annotated[list[Name], Field(min_length=1, max_length=MOST_PAIRS)]


class Question(BaseModel):
    """Pairs of artist and track, in order; the last one counts most."""

    model_config = ConfigDict(extra="forbid")

    artist: Names = Field(description="The artist of each track, one after the other.")
    track: Names = Field(description="As many tracks as artists, in the same order; the last one counts most.")
    k: int = Field(default=10, ge=1, le=MOST_TRACKS, description="Tracks recommended.")
    why: bool = Field(default=False, description="Say which of the tracks speak for each recommendation.")

    @model_validator(mode="after")
    def _are_pairs(self) -> "Question":
        if len(self.artist) != len(self.track):
            raise ValueError(
                f"artist occurs {len(self.artist)} times and track {len(self.track)} times; expected pairs"
            )
        return self

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Artist and track of each."""
        return list(zip(self.artist, self.track, strict=True))


def explained(errors: Sequence[Any]) -> dict[str, str]:
    """What is wrong with a question, of pydantic's ``errors``: ``parameter`` and ``detail``."""
    # Too many is told before what is wrong with some of the many.
    error = min(errors, key=lambda error: error["type"] != "too_long")
    _, *where = error["loc"]
    if not where:
        return {"parameter": "artist", "detail": error["msg"].removeprefix("Value error, ") + "."}
    name, *place = map(str, where)
    which = f"{name} number {int(place[0]) + 1}" if place else name
    if error["type"] == "extra_forbidden":
        return {"parameter": name, "detail": f"{which} is no parameter; there are {', '.join(Question.model_fields)}."}
    if error["type"] in ("missing", "too_short"):
        return {"parameter": name, "detail": f"{which} is missing; expected 1 to {MOST_PAIRS} of it."}
    if error["type"] == "too_long":
        return {"parameter": name, "detail": f"{which} occurs too often; expected 1 to {MOST_PAIRS} of it."}
    found = repr(error["input"])
    found = found if len(found) <= _SHOWN else f"{found[:_SHOWN]}…"
    return {"parameter": name, "detail": f"{which} is {found}; expected {_EXPECTED[name]}."}
