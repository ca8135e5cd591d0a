"""A search: which settings are tried, in which values within their bounds, and how the next ones are chosen."""

import hashlib
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from itertools import islice, product
from math import prod
from typing import Any

import numpy as np

from rec_assets.core.base.errors import SettingsError, noting, raise_noted
from rec_assets.core.base.settings import Settings, setting
from rec_assets.core.tuning.trials import TrialSettings

Value = bool | int | float | str

MOST_TRIALS = 1_000
_MOST_DRAWN_FROM = 100_000
_FIXED_ALONE = ("k", "fitted")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}")


class Sampler(Enum):
    """How the next trial is chosen."""

    grid = "grid"
    random = "random"
    tpe = "tpe"


class SearchSettings(Settings):
    """A search as its file describes it; `parameters` and `fixed` are settings of training_job."""

    name: str = setting("search", "Name of the search and of its files: 1 to 60 letters, digits, `_` and `-`.")
    sampler: Sampler = setting(
        Sampler.tpe,
        "Method that chooses the next trial: `grid` (all combinations), `random`, or `tpe` (near the best so far).",
    )
    trials: int = setting(
        0,
        "Number of trials, the one with the defaults included; 0 = all combinations of a grid. A higher number "
        "continues a finished search.",
        ge=0,
        le=MOST_TRIALS,
    )
    seed: int = setting(
        0, "Seed of the search's random choices. That of Word2Vec is `seed` under `fixed`.", ge=0, lt=2**32
    )
    workers: int = setting(
        1,
        "Number of trials at the same time, each in its own process. Training threads of a trial are `workers` "
        "under `fixed`.",
        ge=1,
        le=64,
    )
    parameters: dict[str, Any] = setting(
        {},
        "Settings to search, by name, each with a list of choices or with {low, high} and, if wanted, {log: true} "
        "or {step}.",
    )
    fixed: dict[str, Any] = setting(
        {}, "Values of other settings, by name, the same in all trials of the search, such as {epochs: 5}."
    )


@dataclass(frozen=True)
class Choices:
    """A setting takes one of these ``values``, which have no order."""

    values: tuple[Value, ...]

    def steps(self) -> tuple[Value, ...]:
        """Every value."""
        return self.values


@dataclass(frozen=True)
class Range:
    """A setting takes a number from ``low`` to ``high``, both included; whole numbers if the ends are.

    With ``log`` each tenfold is as likely as the next. ``step`` leads from ``low`` exactly to ``high``; None = 1, or of
    real numbers any.
    """

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    def steps(self) -> tuple[Value, ...] | None:
        """Every value, ascending; None where there is no end of them."""
        kind = type(self.low)
        if self.step is None and kind is float:
            return None
        # In decimals: 0.1 + 2 * 0.1 is not 0.3.
        low, high, by = (Decimal(str(number)) for number in (self.low, self.high, self.step or 1))
        return tuple(kind(low + by * place) for place in range(int((high - low) / by) + 1))


class Search(SearchSettings):
    """A search whose every value is within the bounds of its setting.

    Attributes:
        space: what is searched, by setting; the default of each is among it.
        settings: every setting of a trial that tries the defaults.
    """

    space: dict[str, Choices | Range]
    settings: dict[str, Any]

    @property
    def defaults(self) -> dict[str, Value]:
        """The parameters of the first trial."""
        return {name: self.settings[name] for name in self.space}

    def planned(self) -> list[dict[str, Value]]:
        """What is tried whatever the trials say: the defaults, and of a grid the other combinations in their order."""
        grid = self._combinations(self.trials) if self.sampler is Sampler.grid else []
        return [self.defaults, *(each for each in grid if each != self.defaults)][: self.trials]

    def count_combinations(self) -> int | None:
        """How many different trials there are; None = no end of them."""
        steps = [values.steps() for values in self.space.values()]
        return None if None in steps else prod(len(step or ()) for step in steps)

    def draw_unknown(self, known: Collection[str], seed: int) -> dict[str, Value] | None:
        """A combination drawn at random whose fingerprint is not ``known``; None if none is found."""
        unknown = [each for each in self._combinations(_MOST_DRAWN_FROM) if fingerprint(each) not in known]
        return unknown[np.random.default_rng(seed).integers(len(unknown))] if unknown else None

    def description(self) -> dict[str, Any]:
        """What trials of one study have in common; not how many they are, so that a search can be made longer."""
        space = {name: asdict(values) for name, values in self.space.items()}
        return {"sampler": self.sampler.value, "seed": self.seed, "parameters": space, "settings": dict(self.settings)}

    def study_name(self, versions: Mapping[str, str]) -> str:
        """The name of the study of this description on data of these ``versions``."""
        known = json.dumps([self.description(), dict(versions)], sort_keys=True)
        return f"{self.name}-{hashlib.sha256(known.encode()).hexdigest()[:12]}"

    def _combinations(self, most: int) -> list[dict[str, Value]]:
        """The first combinations of values, the last setting changing fastest; none if there is no end of them."""
        steps = [values.steps() or () for values in self.space.values()]
        return [dict(zip(self.space, each, strict=True)) for each in islice(product(*steps), most)]


def tidied(parameters: Mapping[str, Value]) -> dict[str, Value]:
    """``parameters`` without the last bits of floats: a step of 0.1 leads to 0.3, and not to 0.30000000000000004."""
    return {name: float(f"{value:.12g}") if isinstance(value, float) else value for name, value in parameters.items()}


def fingerprint(parameters: Mapping[str, Value]) -> str:
    """A text that is the same for the same ``parameters``, whatever their order."""
    return json.dumps(tidied(parameters), sort_keys=True)


def parse_search(settings: SearchSettings) -> Search:
    """The search that ``settings`` describe.

    Raises:
        SettingsError: something in them is wrong; it names the setting, its value and what was expected.
    """
    faults = list(_faults(settings))
    values, space = TrialSettings().as_dict(), {}
    with noting(faults):
        values = TrialSettings(**settings.fixed).as_dict()
    for name, spec in settings.parameters.items():
        if name in {*_FIXED_ALONE, *settings.fixed}:
            continue
        with noting(faults):
            space[name] = _parse_values(name, spec)
            _require_default(name, values[name], space[name])
    raise_noted(faults)
    typed = {"fixed": {name: values[name] for name in settings.fixed}, "space": space, "settings": values}
    search = Search(**{**settings.model_dump(include=set(SearchSettings.model_fields)), **typed})
    search.trials = _count_trials(search)
    return search


def _faults(settings: SearchSettings) -> Iterator[str]:
    """What is wrong with a search whatever the values are."""
    parameters, fixed = settings.parameters, settings.fixed
    if not _NAME.fullmatch(settings.name):
        yield str(_refusal("name", settings.name, "up to 60 letters without accents, digits, `_` and `-`"))
    if not parameters:
        yield str(_refusal("parameters", parameters, "at least one setting with its choices or range"))
    if twice := sorted(set(fixed) & set(parameters)):
        yield f"`{twice[0]}` is in `parameters` and in `fixed`; keep it in one of them."
    if "k" in parameters:
        yield "`k` is what all trials are measured by; expected it in `fixed`."
    if "fitted" in {*fixed, *parameters}:
        yield "`fitted` is no setting of a trial, which fits what its strategy needs. Remove it."


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


def _parse_values(name: str, spec: Any) -> Choices | Range:
    is_range = isinstance(spec, dict) and {"low", "high"} <= set(spec) <= {"low", "high", "log", "step"}
    listed = [spec["low"], spec["high"]] if is_range else spec if isinstance(spec, list) else []
    values = [TrialSettings(**{name: value}).as_dict()[name] for value in listed]
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
