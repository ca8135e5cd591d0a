"""What may be asked, and what is wrong with a question that may not be; knows nothing of HTTP."""

from collections.abc import Sequence
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from rec_assets.core.promoted.recommendations import MOST_TRACKS

MOST_PAIRS, MOST_POSTED, LONGEST_NAME = 100, 1_000, 300
_SHOWN = 40
_PAIR = '{"artist": "…", "track": "…"}'
_EXPECTED = {
    **dict.fromkeys(("artist", "track"), "text"),
    "k": f"a whole number from 1 to {MOST_TRACKS}",
    "why": "true or false",
    "query": f"1 to {LONGEST_NAME} characters",
    "pair": f"a pair such as {_PAIR}",
    "tracks": f"a list of 1 to {MOST_POSTED:,} pairs such as {_PAIR}",
    "body": f'JSON such as {{"tracks": [{_PAIR}], "k": 10}}',
}

# A catalog may hold names of any length, of which no more is compared.
Name = Annotated[str, AfterValidator(lambda name: name.strip()[:LONGEST_NAME])]
Names = Annotated[list[Name], Field(max_length=MOST_PAIRS)]
# An answer has null where a name is unknown, and may be asked as it is.
NameOrNull = Annotated[Name, BeforeValidator(lambda name: "" if name is None else name)]
Count = Annotated[int, Field(ge=1, le=MOST_TRACKS, description="Tracks recommended.")]
Why = Annotated[bool, Field(description="Say which of the tracks speak for each recommendation.")]


class Asking(Protocol):
    """A question: ``pairs`` of artist and track, the last of which counts most."""

    k: int
    why: bool

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """In order; "" = has none."""
        ...


class Question(BaseModel):
    """Pairs of artist and track, at least one of them named, in order; the last pair counts most."""

    model_config = ConfigDict(extra="forbid")

    artist: Names = Field(
        default=[], description="The artist of each track, one after the other; empty for a track that has none."
    )
    track: Names = Field(default=[], description="As many tracks as artists, in the same order; or none has a title.")
    k: Count = 10
    why: Why = False

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Artist and track of each."""
        return list(zip(self.artist, self.track, strict=True))

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
        unnamed = [place for place, pair in enumerate(self.pairs, 1) if not any(pair)]
        if unnamed:
            raise ValueError(f"pair number {unnamed[0]} has neither artist nor track; expected at least one of both")
        return self


class Pair(BaseModel):
    """A track by its names."""

    model_config = ConfigDict(extra="forbid")

    artist: NameOrNull = ""
    track: NameOrNull = ""

    @model_validator(mode="after")
    def _is_named(self) -> "Pair":
        if not (self.artist or self.track):
            raise ValueError("has neither artist nor track; expected at least one of both")
        return self


class PostedQuestion(BaseModel):
    """The same question as a document, for long lists."""

    model_config = ConfigDict(extra="forbid")

    tracks: list[Pair] = Field(min_length=1, max_length=MOST_POSTED, description="In order; the last counts most.")
    k: Count = 10
    why: Why = False

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Artist and track of each."""
        return [(pair.artist, pair.track) for pair in self.tracks]


class Search(BaseModel):
    """A search for tracks by a part of their names."""

    model_config = ConfigDict(extra="forbid")

    query: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_NAME)] = Field(
        description="Letters of artist, title or both, as far as they are typed; they may be misspelt."
    )


def explained(errors: Sequence[Any], asked: type[BaseModel]) -> dict[str, str]:
    """What is wrong with a question ``asked``, of pydantic's ``errors``: ``parameter`` and ``detail``."""
    # That there are too many comes before what is wrong with some of the many.
    error = min(errors, key=lambda error: error["type"] != "too_long")
    _, *where = error["loc"]
    if not where and error["type"] != "value_error":
        return {"parameter": "body", "detail": f"the body is no question; expected {_EXPECTED['body']}."}
    if not where:
        return {"parameter": "artist", "detail": error["msg"].removeprefix("Value error, ") + "."}
    names = [str(part) for part in where if isinstance(part, str)]
    number = "".join(f" number {part + 1}" for part in where if isinstance(part, int))
    which = f"{names[0]}{number}" if len(names) == 1 else f"{names[-1]} of {names[0]}{number}"
    return {"parameter": names[0], "detail": f"{which} {_wrong(error, names[-1], Pair if names[1:] else asked)}."}


def _wrong(error: Any, name: str, asked: type[BaseModel]) -> str:
    match error["type"]:
        case "extra_forbidden":
            return f"is no parameter; there are {', '.join(asked.model_fields)}"
        case "too_long":
            most = MOST_PAIRS if asked is Question else MOST_POSTED
            return f"occurs too often; expected at most {most} of it"
        case "missing":
            return f"is missing; expected {_EXPECTED[name]}"
        case "value_error":
            return error["msg"].removeprefix("Value error, ")
        case "model_type":
            name = "pair"
    found = repr(error["input"])
    return f"is {found if len(found) <= _SHOWN else f'{found[:_SHOWN]}…'}; expected {_EXPECTED[name]}"
