"""The flat config of a job: every setting of its steps by name, checked in our own words before any step."""

import json
import os
from collections.abc import Callable, Iterator, Mapping
from copy import copy
from enum import Enum
from typing import Any

import dagster as dg
from pydantic import create_model

from rec_assets.core.base.errors import SettingsError, noting, raise_noted
from rec_assets.core.base.settings import Settings, setting
from rec_assets.store.refused import RunRefusedError

# Where the launchpad of assets, and Dagster's own jobs, have settings.
_NESTED = ("ops", "execution", "resources", "loggers", "inputs")


class LogLevel(Enum):
    """Levels of the console log."""

    DEBUG = "DEBUG"
    INFO = "INFO"
    WARNING = "WARNING"
    ERROR = "ERROR"


class JobSettings(Settings):
    """What all jobs take."""

    log_level: LogLevel = setting(LogLevel.INFO, "What the shell shows; the event log in the UI keeps everything.")


class InvalidJobSettings(RunRefusedError):
    """The flat config of a job is refused."""


def flat_settings(
    name: str, steps: Mapping[str, type[dg.Config]], defaults: Mapping[str, Any] | None = None
) -> type[Any]:
    """The config class ``name``: every setting of ``steps``, flat, some with other ``defaults``."""
    bases = (*dict.fromkeys(steps.values()), JobSettings)
    model: Any = create_model(name, __base__=bases, __doc__=f"Every setting of {', '.join(steps)}, flat.")
    changed = {}
    for field_name, default in (defaults or {}).items():
        field = copy(model.model_fields[field_name])
        field.default = default
        changed[field_name] = (field.annotation, field)
    return create_model(name, __base__=model, __doc__=model.__doc__, **changed) if changed else model


def flat_config(
    settings_class: type[Any],
    steps: Mapping[str, type[Any]],
    require: Callable[[Any], None] = lambda settings: None,
    executor: Callable[[Any], dict[str, Any] | None] = lambda settings: None,
) -> dg.ConfigMapping:
    """Checks a flat config at launch, also by ``require``, and hands each step, and the ``executor``, its part."""

    def to_run_config(values: Mapping[str, Any]) -> dict[str, Any]:
        try:
            settings = parse_flat(settings_class, values)
            require(settings)
            execution = executor(settings)
        except SettingsError as error:
            raise InvalidJobSettings(f"{error}\nNothing was run.") from None
        ops = {step: {"config": config.among(settings)} for step, config in steps.items()}
        run_config = {"ops": ops, "loggers": {"console": {"config": {"log_level": settings.log_level.value}}}}
        return {**run_config, **({"execution": {"config": execution}} if execution else {})}

    # Open to other names: of one that is unknown the launchpad would only say that it is not among all others.
    return _AsWritten(config_fn=to_run_config, config_schema=dg.Permissive(settings_class.to_fields_dict()))


class _AsWritten(dg.ConfigMapping):
    """Gives its function the config as it was written; Dagster's check would speak first, with a stack and all types.

    The schema is what the launchpad shows.
    """

    def resolve_from_unvalidated_config(self, config: Any) -> Any:
        return self.config_fn(config)


def parse_flat(settings_class: type[Any], config: Mapping[str, Any]) -> Any:
    """The settings that the flat ``config`` holds.

    Raises SettingsError: with a line for each setting that is unknown or cannot be, and each part of a nested config.
    """
    faults = [_flat_instead(settings_class, name, config[name]) for name in _NESTED if name in config]
    own = {name: _from_environment(value) for name, value in config.items() if name not in _NESTED}
    settings = None
    with noting(faults):
        settings = settings_class(**own)
    raise_noted(faults)
    return settings


def _flat_instead(settings_class: type[Any], name: str, nested: Any) -> str:
    known = {setting: value for setting, value in _entries(nested) if setting in settings_class.model_fields}
    written = " and ".join(f"`{setting}: {json.dumps(value)}`" for setting, value in known.items())
    remedy = f"write {written} in its place" if known else "leave it out, and write settings by their names alone"
    return f"`{name}` is a part of Dagster's nested config, and the jobs take one flat config: {remedy}."


def _entries(nested: Any) -> Iterator[tuple[Any, Any]]:
    """Every key with its value, at any depth."""
    for name, value in nested.items() if isinstance(nested, dict) else ():
        yield name, value
        yield from _entries(value)


def _from_environment(value: Any) -> Any:
    """``value``; where it is ``{env: NAME}``, which Dagster's launchpad offers, what that variable holds."""
    return os.environ.get(str(value["env"])) if isinstance(value, dict) and value.keys() == {"env"} else value
