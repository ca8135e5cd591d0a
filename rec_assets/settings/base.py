"""Settings whose errors name the setting, the value and the bound."""

from typing import Any

import dagster as dg
from pydantic import ValidationError

from rec_assets.core.errors import SettingsError


class Settings(dg.Config):
    """Settings whose errors name the setting, the value and the bound."""

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            # From None: pydantic's own text, with links to its site, would come first and bury the message.
            raise SettingsError(_explain(type(self), error)) from None

    def as_dict(self) -> dict[str, Any]:
        """The settings as JSON-ready values."""
        return self.model_dump(mode="json")


_BOUNDS = {"gt": "above {:,}", "ge": "at least {:,}", "lt": "below {:,}", "le": "at most {:,}"}


def _explain(settings: type[dg.Config], error: ValidationError) -> str:
    """A line per fault: the setting, its value, what was expected, what it does and what to do."""
    return "\n".join(_explain_fault(settings, fault) for fault in error.errors())


def _explain_fault(settings: type[dg.Config], fault: Any) -> str:
    name = str(fault["loc"][0]) if fault["loc"] else ""
    if name not in settings.model_fields:  # a rule about several settings, which names them
        return f"{fault.get('ctx', {}).get('error', fault['msg'])} Change them in the run config."
    field = settings.model_fields[name]
    value = f"{fault['input']:g}" if isinstance(fault["input"], float) else repr(fault["input"])
    expected = [
        words.format(getattr(m, key)) for m in field.metadata for key, words in _BOUNDS.items() if hasattr(m, key)
    ]
    return (
        f"Setting `{name}` is {value}; expected {' and '.join(expected) or fault['msg']}. Change it in the run config. "
        f"({name}: {field.description})"
    )
