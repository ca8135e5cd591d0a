"""From the settings of a search to a search whose every value is within the bounds of its setting."""

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from rec_assets.core.base.errors import SettingsError
from rec_assets.core.tuning.search import MOST_TRIALS, Choices, Range, Sampler, Search, SearchSettings
from rec_assets.core.tuning.trials import TrialSettings

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")


def parse_search(settings: SearchSettings) -> Search:
    """The search that ``settings`` describe.

    Raises:
        SettingsError: something in them is wrong; it names the setting, its value and what was expected.
    """
    parameters, fixed = settings.parameters, settings.fixed
    if not _NAME.fullmatch(settings.name):
        raise _refusal("name", settings.name, "up to 60 letters without accents, digits, `_` and `-`")
    if not parameters:
        raise _refusal("parameters", parameters, "at least one setting with its choices or range")
    if twice := sorted(set(fixed) & set(parameters)):
        raise SettingsError(f"`{twice[0]}` is in `parameters` and in `fixed`; keep it in one of them.")
    if "k" in parameters:
        raise SettingsError("`k` is what all trials are measured by; expected it in `fixed`.")
    if "fitted" in {*fixed, *parameters}:
        raise SettingsError("`fitted` is no setting of a trial, which fits what its strategy needs. Remove it.")
    values = TrialSettings(**fixed).as_dict()
    space = {name: _parse_values(name, spec, fixed) for name, spec in parameters.items()}
    for name, searched in space.items():
        _require_default(name, values[name], searched)
    typed = {"fixed": {name: values[name] for name in fixed}, "space": space, "settings": values}
    search = Search(**{**settings.model_dump(include=set(SearchSettings.model_fields)), **typed})
    search.trials = _count_trials(search)
    return search


def _refusal(name: str, found: Any, expected: str) -> SettingsError:
    return SettingsError(f"`{name}` is {found!r}; expected {expected}.")


def _require_default(name: str, default: Any, searched: Choices | Range) -> None:
    steps = searched.steps()
    what, remedy = f"the choices {list(steps or ())}", "Add it to the choices."
    if isinstance(searched, Range):
        what = f"{searched.low:g} to {searched.high:g}" + (f" in steps of {searched.step:g}" if searched.step else "")
        remedy = "Widen the range, or change its step."
        if steps is None and searched.low <= default <= searched.high:
            return
    if default not in (steps or ()):
        raise SettingsError(
            f"`{name}` is {default!r} by default, which is not among {what}. The first trial is always the defaults, "
            f"so that the others can be compared with them. {remedy}"
        )


def _count_trials(search: Search) -> int:
    combinations, is_grid = search.count_combinations(), search.sampler is Sampler.grid
    if is_grid and combinations is None:
        endless = next(name for name, values in search.space.items() if values.steps() is None)
        raise SettingsError(
            f"`{endless}` is a range of real numbers, of which a grid cannot try all. Give it a step or choices, or "
            "set `sampler` to random or tpe."
        )
    trials = search.trials or (combinations if is_grid and combinations else 0)
    most = min(MOST_TRIALS, combinations or MOST_TRIALS)
    if not 1 <= trials <= most:
        counted = f", since the parameters have {combinations:,} combinations" if combinations else ""
        raise _refusal("trials", trials, f"a number from 1 to {most:,}{counted}")
    return trials


def _parse_values(name: str, spec: Any, fixed: Mapping[str, Any]) -> Choices | Range:
    is_range = isinstance(spec, dict) and {"low", "high"} <= set(spec) <= {"low", "high", "log", "step"}
    listed = [spec["low"], spec["high"]] if is_range else spec if isinstance(spec, list) else []
    values = [TrialSettings(**{**fixed, name: value}).as_dict()[name] for value in listed]
    if not values or len(set(values)) < len(values):
        raise _refusal(name, spec, "a list of choices, each only once, or low and high, and log or step")
    return _parse_range(name, spec, *values) if is_range else Choices(tuple(values))


def _parse_range(name: str, spec: Any, low: Any, high: Any) -> Range:
    if isinstance(low, bool | str):
        raise _refusal(name, spec, "a list of choices, since it is no number")
    log, step = spec.get("log", False), spec.get("step")
    if not isinstance(log, bool) or (log and (low <= 0 or step is not None)):
        raise _refusal(name, spec, "log: true or false, and with true a low above 0 and no step")
    if low >= high or (step is not None and not _leads(step, low, high)):
        raise _refusal(name, spec, "low below high, and a step that leads from low exactly to high")
    return Range(low, high, log, None if step is None else type(low)(step))


def _leads(step: Any, low: float, high: float) -> bool:
    try:
        by, width = Decimal(str(step)), Decimal(str(high)) - Decimal(str(low))
        return by > 0 and width % by == 0 and (isinstance(low, float) or by % 1 == 0)
    except InvalidOperation:
        return False
