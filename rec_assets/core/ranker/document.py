"""A ranker as a JSON document: text and numbers, from which no code is ever loaded."""

import zlib
from dataclasses import asdict
from typing import Any

from rec_assets.core.errors import StoreError
from rec_assets.core.ranker.learned import Ranker


def to_document(ranker: Ranker) -> dict[str, Any]:
    """The fields of ``ranker``, and a checksum of its trees."""
    return {**asdict(ranker), "features": list(ranker.features), "crc32": zlib.crc32(ranker.model.encode())}


def from_document(document: dict[str, Any]) -> Ranker:
    """The inverse of :func:`to_document`.

    Raises:
        StoreError: the document is no ranker, or its trees are not those that were written.
    """
    try:
        ranker = Ranker(
            model=document["model"],
            features=tuple(document["features"]),
            settings=dict(document["settings"]),
            examples=int(document["examples"]),
            targets_missed=int(document["targets_missed"]),
            gains=dict(document["gains"]),
        )
        is_whole = zlib.crc32(ranker.model.encode()) == document["crc32"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StoreError(f"this is no ranker of this package ({error!r}). Materialize track_ranker again.") from error
    if not is_whole:
        raise StoreError("the trees are not those that were written. Materialize track_ranker again.")
    return ranker
