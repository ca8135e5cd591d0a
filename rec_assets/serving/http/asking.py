"""What may be asked, and what is wrong with a question that may not be; knows nothing of HTTP."""

from collections.abc import Sequence
from typing import Annotated, Any, Protocol

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from rec_assets.core.promoted.named_rules import NamedRules
from rec_assets.core.promoted.recommendations import MOST_TRACKS

MOST_PAIRS, MOST_POSTED, LONGEST_NAME = 100, 1_000, 300
_SHOWN = 40
_PAIR = '{"artist": "…", "track": "…"}'
_EXPECTED = {
    **dict.fromkeys(("artist", "track", "title", "exclude_artist", "only_artist"), "text"),
    "per_artist": f"a whole number from 1 to {MOST_TRACKS}",
    "k": f"a whole number from 1 to {MOST_TRACKS}",
    "why": "true or false",
    "query": f"1 to {LONGEST_NAME} characters",
    "pair": f"a pair such as {_PAIR}",
    **dict.fromkeys(("tracks", "exclude", "only"), f"a list of at most {MOST_POSTED:,} pairs such as {_PAIR}"),
    **dict.fromkeys(("exclude_artists", "only_artists"), f"a list of at most {MOST_POSTED:,} names"),
    "body": f'JSON such as {{"tracks": [{_PAIR}], "k": 10}}',
}

# A catalog may hold names of any length, of which no more is compared.
Name = Annotated[str, AfterValidator(lambda name: name.strip()[:LONGEST_NAME])]
Names = Annotated[list[Name], Field(max_length=MOST_PAIRS)]
# An answer has null where a name is unknown, and may be asked as it is.
NameOrNull = Annotated[Name, BeforeValidator(lambda name: "" if name is None else name)]
Count = Annotated[int, Field(ge=1, le=MOST_TRACKS, description="Tracks recommended.")]
Title = Annotated[Name, Field(description="Title of the playlist that is asked for, with tracks or with none.")]
PerArtist = Annotated[int | None, Field(ge=1, le=MOST_TRACKS, description="Tracks of one artist at most.")]
Why = Annotated[bool, Field(description="Say which of the tracks speak for each recommendation.")]


class Asking(Protocol):
    """A question: ``pairs`` of artist and track, the last of which counts most, and a title; one of both is given."""

    k: int
    why: bool
    title: str

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """In order; "" = has none."""
        ...

    @property
    def rules(self) -> NamedRules:
        """What may be recommended."""
        ...


class Question(BaseModel):
    """Pairs of artist and track, at least one of them named, in order; the last pair counts most. Or a title alone."""

    model_config = ConfigDict(extra="forbid")

    artist: Names = Field(
        default=[], description="The artist of each track, one after the other; empty for a track that has none."
    )
    track: Names = Field(default=[], description="As many tracks as artists, in the same order; or none has a title.")
    title: Title = ""
    k: Count = 10
    why: Why = False
    per_artist: PerArtist = None
    exclude_artist: Names = Field(default=[], description="Artists of whom nothing is recommended.")
    only_artist: Names = Field(default=[], description="Artists of whom alone something is recommended; empty = all.")

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Artist and track of each."""
        return list(zip(self.artist, self.track, strict=True))

    @property
    def rules(self) -> NamedRules:
        """What may be recommended."""
        return NamedRules(self.per_artist, exclude_artists=self.exclude_artist, only_artists=self.only_artist)

    @model_validator(mode="after")
    def _are_pairs(self) -> "Question":
        # A parameter that is absent is empty in every pair.
        self.artist = self.artist or [""] * len(self.track)
        self.track = self.track or [""] * len(self.artist)
        if not (self.artist or self.title):
            raise ValueError("artist, track and title are missing; expected at least one of them")
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

    @property
    def names(self) -> tuple[str, str]:
        """Artist and track; "" = has none."""
        return self.artist, self.track


Pairs = Annotated[list[Pair], Field(max_length=MOST_POSTED)]
Artists = Annotated[list[NameOrNull], Field(max_length=MOST_POSTED)]


class PostedQuestion(BaseModel):
    """The same question as a document, for long lists."""

    model_config = ConfigDict(extra="forbid")

    tracks: Pairs = Field(default=[], description="In order; the last counts most.")
    title: Title = ""
    k: Count = 10
    why: Why = False
    per_artist: PerArtist = None
    exclude: Pairs = Field(default=[], description="Tracks that are not recommended.")
    exclude_artists: Artists = Field(default=[], description="Artists of whom nothing is recommended.")
    only: Pairs = Field(
        default=[], description="Tracks that alone are recommended, beside those of only_artists; empty = all."
    )
    only_artists: Artists = Field(
        default=[], description="Artists of whom alone something is recommended; empty = all."
    )

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Artist and track of each."""
        return [pair.names for pair in self.tracks]

    @property
    def rules(self) -> NamedRules:
        """What may be recommended."""
        exclude, only = ([pair.names for pair in pairs] for pairs in (self.exclude, self.only))
        return NamedRules(self.per_artist, exclude, self.exclude_artists, only, self.only_artists)

    @model_validator(mode="after")
    def _is_question(self) -> "PostedQuestion":
        if not (self.tracks or self.title):
            raise ValueError("tracks and title are missing; expected at least one of them")
        return self


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
        first = next(iter(asked.model_fields))
        return {"parameter": first, "detail": error["msg"].removeprefix("Value error, ") + "."}
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
