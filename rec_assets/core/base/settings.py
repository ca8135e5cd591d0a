"""Settings as pydantic models: a default, bounds and a description each, said once, beside their algorithm."""

from collections.abc import Iterable
from difflib import get_close_matches
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticKnownError

from rec_assets.core.base.errors import SettingsError

_BOUNDS = {"gt": "above {:,}", "ge": "at least {:,}", "lt": "below {:,}", "le": "at most {:,}"}
# By the first word of pydantic's name of a fault.
_KINDS = {"int": "a whole number", "float": "a number", "bool": "true or false", "string": "text, in quotes"}
_KINDS |= {"dict": "names with values"}
_LONGEST_VALUE = 80
_LISTED = 20  # more names than these are no help


class Settings(BaseModel):
    """Settings whose errors name the setting, its value and what was expected.

    Raises:
        SettingsError: a value is of another type or out of its bounds, or there is no setting of that name.
    """

    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_switch(cls, value: Any, info: ValidationInfo) -> Any:
        # YAML reads yes, no, on and off as true and false, which pydantic takes for 1 and 0. A number as text it takes,
        # too, and rightly: YAML reads 1e-3 as text.
        kind = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, bool) and kind in (int, float):
            raise PydanticKnownError("int_type" if kind is int else "float_type")
        return value

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            # From None: pydantic's own text, with links to its site, would come first and bury the message.
            raise SettingsError("\n".join(_explain(type(self), fault) for fault in error.errors())) from None

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON-ready values."""
        return self.model_dump(mode="json")

    @classmethod
    def among(cls, settings: "Settings") -> dict[str, Any]:
        """JSON-ready values of those of ``settings`` that this class has, too."""
        return {name: value for name, value in settings.as_dict().items() if name in cls.model_fields}


def setting(default: Any, description: str, **bounds: Any) -> Any:
    """A field of a model of settings, with ``ge``, ``gt``, ``le`` and ``lt`` as pydantic has them.

    Its ``description`` ends with its bounds, such as "[1 to 1,000]".
    """
    return Field(default=default, description=f"{description}{_interval(**bounds)}", **bounds)


def _interval(
    ge: float | None = None, gt: float | None = None, le: float | None = None, lt: float | None = None
) -> str:
    low = f"{ge:,}" if ge is not None else f"above {gt:,}" if gt is not None else None
    high = f"{le:,}" if le is not None else f"below {lt:,}" if lt is not None else None
    if ge is not None and le is not None:
        return f" [{low} to {high}]"
    low = f"{low} or more" if ge is not None else low
    high = f"up to {high}" if le is not None else high
    return f" [{', '.join(part for part in (low, high) if part)}]" if low or high else ""


def read_settings(path: Path, named: str) -> dict[str, Any]:
    """What a YAML file of settings by name holds, unchecked; nothing where it is empty.

    Raises SettingsError: ``path``, which errors call ``named``, cannot be read, or holds something else.
    """
    import yaml  # a tenth of the time in which a model answers, which reads no such file

    place = f"{named}={path.absolute()}"
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())  # YAML's has several lines
        raise SettingsError(f"{place}: {reason}. Name a YAML file of settings.") from error
    if isinstance(found, dict | None) and all(isinstance(name, str) for name in found or {}):
        return found or {}
    raise SettingsError(
        f"{place}: expected settings by name, such as `epochs: 2`, found {_shown(found)}. Write a line for each."
    )


def _explain(model: type[BaseModel], fault: Any) -> str:
    if not fault["loc"]:  # a rule about several settings, which names them
        return f"{fault.get('ctx', {}).get('error', fault['msg'])} Change them in the run config."
    name, value = str(fault["loc"][0]), fault["input"]
    if name not in model.model_fields:
        known = sorted(model.model_fields)
        by_job = ". The project's docs/settings.md has all, by job."
        listed = f"; there are {', '.join(known)}." if len(known) <= _LISTED else by_job
        return f"There is no setting `{name}`" + (_nearest(name, known) or listed)
    field, near = model.model_fields[name], ""
    expected = [
        words.format(getattr(m, key)) for m in field.metadata for key, words in _BOUNDS.items() if hasattr(m, key)
    ]
    kind = _KINDS.get(fault["type"].partition("_")[0])
    if fault["type"] == "enum" and isinstance(field.annotation, type) and issubclass(field.annotation, Enum):
        choices = [str(choice.value) for choice in field.annotation]
        kind, near = f"one of {', '.join(choices)}", _nearest(str(value), choices)
    told = ", ".join(part for part in (kind, " and ".join(expected)) if part) or fault["msg"]
    place = ".".join(map(str, fault["loc"]))
    return (
        f"Setting `{place}` is {_shown(value)}; expected {told}{near or '.'} Change it in the run config. "
        f"({name}: {field.description})"
    )


def _nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence that asks for the one of ``known`` whose spelling is nearest; empty if none is near."""
    near = get_close_matches(name.casefold().replace("-", "_"), known, n=1)
    return f". Did you mean `{near[0]}`?" if near else ""


def _shown(value: Any) -> str:
    """``value`` as YAML has it, cut off where it is long."""
    if value is None or isinstance(value, bool):
        return {None: "empty (null)", True: "true", False: "false"}[value]
    text = f"{value:g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}…"
