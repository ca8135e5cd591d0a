"""How JSON is written here: for people, too."""

import json
from collections.abc import Mapping
from typing import Any


def json_text(document: Mapping[str, Any]) -> str:
    """``document`` in indented lines, every letter as it is.

    Raises:
        ValueError: a number is not finite.
    """
    return json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False) + "\n"
