"""The answer to a question as JSON, of the command line and over HTTP alike."""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel

from rec_assets.core.names.search import Found
from rec_assets.core.promoted.model import PromotedModel
from rec_assets.core.promoted.recommendations import Recommendation


class Asked(BaseModel):
    """A pair as it was asked, and the track that it was taken for, as the catalog writes it.

    ``is_exact`` says whether they are equal up to case, accents, punctuation and spaces.
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


def answer_json(
    model: PromotedModel,
    found: Sequence[Found],
    recommended: list[Recommendation],
    *,
    why: bool,
    indent: int | None = None,
) -> str:
    """An :class:`Answer` by ``model`` to the known ones of ``found``; with ``because`` only if ``why`` was asked."""
    known = [one for one in found if one.track is not None]
    taken = model.names.of(np.array([one.track for one in known]))
    asked = [
        Asked(
            artist=one.asked[0],
            track=one.asked[1],
            taken_for={"artist": artist, "track": track},
            is_exact=one.is_exact,
        )
        for one, (artist, track) in zip(known, taken, strict=True)
    ]
    document = Answer(version=model.facts["version"], asked=asked, recommendations=recommended)
    without = None if why else {"recommendations": {"__all__": {"because"}}}
    return document.model_dump_json(exclude=without, indent=indent)
