"""Without this docs/settings.md could promise a default or a bound that the code does not have.

``python -m rec_assets_tests.defs.test_settings_page`` writes the page.
"""

import json
import re
from collections.abc import Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo

from rec_assets.defs.flat_config import JobSettings
from rec_assets.defs.jobs import ROOMS, TrainingSettings
from rec_assets.defs.tuning import SearchConfig

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
HEAD = """# Settings

A config is a YAML file of settings by name. What is not named has its default.

```bash
printf 'epochs: 5\\nstrategy: item_knn\\n' > mine.yaml
```

Use it by `make run CONFIG=mine.yaml`, or in the UI paste it into the launchpad: *Jobs*, `training_job`, the arrow
beside *Materialize all*, *Open launchpad*. A setting that is unknown, of another type or out of its bounds is refused
before any step, by name and with what was expected.

This page is made from the code, and a test keeps it so: `python -m rec_assets_tests.defs.test_settings_page` writes it.
"""
COLUMNS = "| setting | default | values | what it does |\n|---|---|---|---|"
KINDS = {int: "whole number", float: "number", bool: "true or false", str: "text"}


def page() -> str:
    """The page as the models have it: a table for each stage, every setting once."""
    known: set[str] = set()
    parts = [HEAD]
    for room in ROOMS:
        fields = {name: field for step in room.settings.values() for name, field in step.model_fields.items()}
        parts += table(room.name.partition("_")[2], {n: field for n, field in fields.items() if n not in known})
        known |= fields.keys()
    parts += table("all jobs", JobSettings.model_fields)
    parts += table("searches (tuning_job)", SearchConfig.model_fields)
    return "\n".join(parts)


def table(title: str, fields: Mapping[str, FieldInfo]) -> Iterator[str]:
    if fields:
        yield f"## {title[0].upper()}{title[1:]}\n"
        yield COLUMNS
        yield from (line(name, field) for name, field in fields.items())
        yield ""


def line(name: str, field: FieldInfo) -> str:
    text, bounds = re.fullmatch(r"(.*?)(?: \[(.*)\])?", field.description or "", re.DOTALL).groups()  # type: ignore[union-attr]
    cells = f"`{name}`", default(field.default), bounds or values(field.annotation), text
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def default(value: Any) -> str:
    plain = value.value if isinstance(value, Enum) else value
    return "empty" if plain in ("", [], {}) else f"`{plain if isinstance(plain, str) else json.dumps(plain)}`"


def values(kind: Any) -> str:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{choice.value}`" for choice in kind)
    return KINDS.get(kind, "list" if str(kind).startswith("list") else "names with values")


def test_the_page_is_what_the_models_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run `python -m rec_assets_tests.defs.test_settings_page`"


def test_the_page_has_every_setting_of_the_jobs_once() -> None:
    found = re.findall(r"^\| `(\w+)` \|", page().partition("## Searches")[0], re.MULTILINE)
    assert sorted(found) == sorted(TrainingSettings.model_fields)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
