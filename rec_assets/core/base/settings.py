"""Settings as pydantic models: a default, bounds and a description each, said once, beside their algorithm."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from rec_assets.core.base.errors import SettingsError

_WORDS = {"gt": "above {:,}", "ge": "at least {:,}", "lt": "below {:,}", "le": "at most {:,}"}


class Settings(BaseModel):
    """Settings whose errors name the setting, its value and what was expected.

    Raises:
        SettingsError: a value is of another type or out of its bounds, or there is no setting of that name.
    """

    model_config = ConfigDict(extra="forbid")

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
    if low and high:
        return f" [{low} to {high}]"
    if low:
        return f" [{low} or more]" if ge is not None else f" [{low}]"
    return f" [up to {high}]" if high else ""


def _explain(model: type[BaseModel], fault: Any) -> str:
    name = str(fault["loc"][0]) if fault["loc"] else ""
    if not name:  # a rule about several settings, which names them
        return f"{fault.get('ctx', {}).get('error', fault['msg'])} Change them in the run config."
    if name not in model.model_fields:
        return f"There is no setting `{name}`; there are {', '.join(sorted(model.model_fields))}."
    field = model.model_fields[name]
    value = f"{fault['input']:g}" if isinstance(fault["input"], float) else repr(fault["input"])
    expected = [
        words.format(getattr(m, key)) for m in field.metadata for key, words in _WORDS.items() if hasattr(m, key)
    ]
    return (
        f"Setting `{name}` is {value}; expected {' and '.join(expected) or fault['msg']}. Change it in the run config. "
        f"({name}: {field.description})"
    )
