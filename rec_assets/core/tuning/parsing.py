"""From a search file to a search whose every value is within the bounds of its setting."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from typing import Any

from rec_assets.core.errors import SettingsError
from rec_assets.core.tuning.search import Choices, Range, Sampler, Search, Value

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")
_KEYS = ("name", "sampler", "trials", "seed", "parameters", "fixed")
_RANGE_KEYS = ("low", "high", "log", "step")
MOST_TRIALS = 1_000
LARGEST_SEED = 2**32 - 1


@dataclass(frozen=True)
class SettingsGuide:
    """What is known of the settings.

    Attributes:
        kinds: type of each setting by name; a range needs int or float.
        complete: all settings, from a few of them; SettingsError if one is out of its bounds.
    """

    kinds: Mapping[str, type]
    complete: Callable[[Mapping[str, Any]], Mapping[str, Any]]


def parse_search(document: Any, guide: SettingsGuide, *, source: str, default_name: str) -> Search:
    """The search that ``document``, the content of the file ``source``, describes.

    Raises:
        SettingsError: something in it is wrong; it names ``source``, the setting, the value and what was expected.
    """
    try:
        return _parse(document, guide, default_name)
    except SettingsError as error:
        text = str(error).replace("in the run config", "in this file")
        raise SettingsError(f"Search {source}: {text}") from None


def _parse(document: Any, guide: SettingsGuide, default_name: str) -> Search:
    content = _mapping(document, "The file", _KEYS)
    fixed = _fixed(content.get("fixed", {}), guide)
    parameters = _mapping(content.get("parameters", {}), "`parameters`", None)
    if not parameters:
        raise SettingsError("`parameters` is empty; expected at least one setting with its choices or range.")
    space = {name: _values(name, spec, fixed, guide) for name, spec in parameters.items()}
    search = Search(
        name=_name(content.get("name", default_name)),
        sampler=_sampler(content.get("sampler")),
        trials=1,
        seed=whole_number("seed", content.get("seed", 0), 0, LARGEST_SEED),
        space=space,
        fixed=fixed,
    )
    return _with_trials(search, content.get("trials"))


def _with_trials(search: Search, trials: Any) -> Search:
    """``search`` with another number of ``trials``; None = all combinations of a grid.

    Raises:
        SettingsError: it is no number of trials, or there are fewer combinations.
    """
    combinations = search.count_combinations()
    if search.sampler is Sampler.grid and combinations is None:
        endless = [name for name, values in search.space.items() if values.steps() is None]
        raise SettingsError(
            f"`{endless[0]}` is a range of real numbers, of which a grid cannot try all. Give it a step or choices, or "
            "set `sampler` to random or tpe."
        )
    if trials is None and search.sampler is Sampler.grid:
        trials = combinations
    trials = whole_number("trials", trials, 1, MOST_TRIALS)
    if combinations is not None and trials > combinations:
        raise SettingsError(
            f"`trials` is {trials:,}, but the parameters have {combinations:,} combinations only. Set it to "
            f"{combinations:,} or less."
        )
    return Search(search.name, search.sampler, trials, search.seed, search.space, search.fixed)


def whole_number(name: str, value: Any, least: int, most: int) -> int:
    """``value`` if it is a whole number within its bounds.

    Raises:
        SettingsError: it is not.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise SettingsError(f"`{name}` is {value!r}; expected a whole number from {least:,} to {most:,}.")
    return value


def _mapping(value: Any, what: str, known: tuple[str, ...] | None) -> dict[str, Any]:
    if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
        raise SettingsError(f"{what} holds {value!r:.80}; expected values by name.")
    unknown = [key for key in value if known is not None and key not in known]
    if unknown:
        raise SettingsError(f"{what} has `{unknown[0]}`; expected {', '.join(known or ())}.")
    return value


def _name(value: Any) -> str:
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise SettingsError(
            f"`name` is {value!r}; expected up to 60 letters without accents, digits, `_` and `-`, since files and "
            "partitions are called after it."
        )
    return value


def _sampler(value: Any) -> Sampler:
    names = [sampler.value for sampler in Sampler]
    if value not in names:
        raise SettingsError(f"`sampler` is {value!r}; expected one of {', '.join(names)}.")
    return Sampler(value)


def _fixed(value: Any, guide: SettingsGuide) -> dict[str, Value]:
    fixed = _mapping(value, "`fixed`", None)
    for name in fixed:
        _require_known(name, guide)
    complete = guide.complete(fixed)
    return {name: complete[name] for name in fixed}


def _values(name: str, spec: Any, fixed: Mapping[str, Value], guide: SettingsGuide) -> Choices | Range:
    _require_known(name, guide)
    if name in fixed:
        raise SettingsError(f"`{name}` is in `parameters` and in `fixed`; keep it in one of them.")
    if name == "k":
        raise SettingsError("`k` is what all trials are measured by; expected it in `fixed`.")

    def checked(value: Any) -> Value:
        return guide.complete({**fixed, name: value})[name]

    if isinstance(spec, list):
        return _choices(name, [checked(value) for value in spec])
    if isinstance(spec, dict):
        return _range(name, _mapping(spec, f"`{name}`", _RANGE_KEYS), checked, guide.kinds[name])
    raise SettingsError(f"`{name}` is {spec!r}; expected a list of choices, or low and high.")


def _require_known(name: str, guide: SettingsGuide) -> None:
    if name not in guide.kinds:
        near = get_close_matches(name, guide.kinds, 1)
        meant = f"did you mean `{near[0]}`?" if near else f"expected one of {', '.join(guide.kinds)}."
        raise SettingsError(f"`{name}` is no setting of a trial; {meant}")


def _choices(name: str, values: list[Value]) -> Choices:
    if not values or len(set(values)) < len(values):
        raise SettingsError(f"`{name}` has the choices {values!r}; expected at least one, and each only once.")
    return Choices(tuple(values))


def _range(name: str, spec: Mapping[str, Any], checked: Callable[[Any], Value], kind: type) -> Range:
    if kind not in (int, float):
        raise SettingsError(f"`{name}` is no number, so it has no range; expected a list of choices.")
    if "low" not in spec or "high" not in spec:
        raise SettingsError(f"`{name}` is {dict(spec)!r}; expected both low and high.")
    low, high = (kind(checked(spec[end])) for end in ("low", "high"))
    if low >= high:
        raise SettingsError(f"`{name}` goes from {low:g} to {high:g}; expected low below high.")
    log = spec.get("log", False)
    if not isinstance(log, bool) or (log and (low <= 0 or spec.get("step") is not None)):
        raise SettingsError(
            f"`{name}` has log: {log!r}; expected true or false, and with true a low above 0 and no step."
        )
    return Range(low, high, log, _step(name, spec.get("step"), low, high, kind))


def _step(name: str, step: Any, low: float, high: float, kind: type) -> int | float | None:
    if step is None:
        return None
    try:
        by, width = Decimal(str(step)), Decimal(str(high)) - Decimal(str(low))
        leads_there = by > 0 and width % by == 0 and (kind is float or by % 1 == 0)
    except InvalidOperation:
        leads_there = False
    if not leads_there:
        whole = "a whole number " if kind is int else "a number "
        raise SettingsError(
            f"`{name}` has step: {step!r}; expected {whole}above 0 that leads from {low:g} exactly to {high:g}."
        )
    return kind(step)
