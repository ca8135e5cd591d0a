"""A ranker as a JSON document: text and numbers, from which no code is ever loaded."""

from dataclasses import asdict
from typing import Any

from rec_assets.core.base.errors import UnreadableError
from rec_assets.core.ranker.learned import Ranker


def to_document(ranker: Ranker) -> dict[str, Any]:
    """The fields of ``ranker``."""
    return {**asdict(ranker), "features": list(ranker.features)}


def from_document(document: dict[str, Any]) -> Ranker:
    """The inverse of :func:`to_document`.

    Raises:
        UnreadableError: the document is no ranker.
    """
    try:
        return Ranker(
            model=document["model"],
            features=tuple(document["features"]),
            settings=dict(document["settings"]),
            examples=int(document["examples"]),
            targets_missed=int(document["targets_missed"]),
            gains=dict(document["gains"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnreadableError(f"is no ranker of this package ({error!r})") from error
