"""The answer to a question, of the command line, in Python and over HTTP alike."""

from collections.abc import Callable, Sequence

import numpy as np
from pydantic import BaseModel

from rec_assets.core.base.artists import track_name
from rec_assets.core.names.search import Found
from rec_assets.core.names.track_names import TrackNames
from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.promoted.recommendations import Recommendation, known_title_words


class Asked(BaseModel):
    """A pair as it was asked, and the track that it was taken for, as the catalog writes it.

    ``is_exact`` says whether they are equal up to case, accents, punctuation and spaces.
    """

    artist: str
    track: str
    taken_for: dict[str, str | None]
    is_exact: bool


class Title(BaseModel):
    """A playlist's title as it was asked, the words of it that the model knows, and in words what follows."""

    asked: str
    known_words: list[str]
    note: str


class Answer(BaseModel):
    """What is recommended, all of it by one version of the model; ``title`` is null if none was asked."""

    version: int
    asked: list[Asked]
    title: Title | None
    recommendations: list[Recommendation]


def asked_of(names: TrackNames, found: Sequence[Found]) -> list[Asked]:
    """What each of ``found``, which are all known, was taken for."""
    taken = names.of(np.array([one.track for one in found], np.int64))
    return [
        Asked(
            artist=one.asked[0],
            track=one.asked[1],
            taken_for={"artist": artist, "track": track},
            is_exact=one.is_exact,
        )
        for one, (artist, track) in zip(found, taken, strict=True)
    ]


def title_of(model: PromotedModel, title: str, *, alone: bool) -> Title:
    """What ``model`` knows of the ``title`` of a question, which may be asked ``alone``, without tracks."""
    known = known_title_words(model, title)
    answered = "These are the most frequent tracks." if alone else "The tracks alone are answered."
    note = f"Known words of the title: {', '.join(known)}." if known else f"No word of the title is known. {answered}"
    return Title(asked=title, known_words=known, note=note)


def unknown_sentence(found: Found, name: Callable[[str | None, str | None], str] = track_name) -> str:
    """That nothing is spelt like what was asked, and what is near it, by ``name`` of artist and title."""
    near = "".join(f"\n    {name(one.artist, one.title)}" for one in found.near)
    return f"no track {name(*found.asked)}." + (f" Did you mean{near}" if near else " Nothing is spelt like it.")


def answer_json(
    model: PromotedModel,
    found: Sequence[Found],
    recommended: list[Recommendation],
    *,
    title: str,
    why: bool,
    indent: int | None = None,
) -> str:
    """An :class:`Answer` by ``model`` to the known ones of ``found`` and the ``title``.

    It has ``because`` only if ``why`` was asked.
    """
    asked = asked_of(model.names, [one for one in found if one.track is not None])
    document = Answer(
        version=model.facts["version"],
        asked=asked,
        title=title_of(model, title, alone=not asked) if title else None,
        recommendations=recommended,
    )
    without = None if why else {"recommendations": {"__all__": {"because"}}}
    return document.model_dump_json(exclude=without, indent=indent)
