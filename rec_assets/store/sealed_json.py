"""JSON files: for people, too, and with a checksum in their last line."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rec_assets.core.base.errors import UnreadableError
from rec_assets.core.base.seal import UNSEALED, seal

_CHECKSUM = "checksum"


def write_json(document: Mapping[str, Any], path: Path) -> None:
    """Write ``document`` in indented lines, every letter as it is, and the checksum of the whole file.

    Raises:
        ValueError: a number is not finite.
    """
    sealed = {**document, _CHECKSUM: UNSEALED}
    path.write_text(json.dumps(sealed, indent=2, allow_nan=False, ensure_ascii=False) + "\n", encoding="utf-8")
    seal(path)


def read_json(path: Path) -> dict[str, Any]:
    """The document of a file whose bytes were checked.

    Raises:
        UnreadableError: it is no JSON of this package.
    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        del document[_CHECKSUM]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableError(f"is no JSON file of this package ({error!r})") from error
    return document
