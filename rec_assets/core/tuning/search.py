"""A search: which settings are tried, in which values, and how the next ones are chosen."""

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from enum import Enum
from itertools import islice, product
from math import prod
from typing import Any

import numpy as np

from rec_assets.core.base.settings import Settings, setting

Value = bool | int | float | str

MOST_TRIALS = 1_000
_MOST_DRAWN_FROM = 100_000


class Sampler(Enum):
    """How the next trial is chosen."""

    grid = "grid"
    random = "random"
    tpe = "tpe"


class SearchSettings(Settings):
    """A search as its file describes it. What stands in `parameters` and `fixed` are settings of training_job."""

    name: str = setting("search", "Name of the search and of its files: up to 60 letters, digits, `_` and `-`.")
    sampler: Sampler = setting(
        Sampler.tpe,
        "How the next trial is chosen: `grid` (all combinations in order), `random`, or `tpe` (near to what was good: "
        "Bergstra et al. 2011).",
    )
    trials: int = setting(
        0,
        "Trials of the search, the defaults among them; 0 = all combinations of a grid. Raise it to add trials to a "
        "search that is finished.",
        ge=0,
        le=MOST_TRIALS,
    )
    seed: int = setting(0, "Seed of the search. The seed of Word2Vec is another: `seed` under `fixed`.", ge=0, lt=2**32)
    workers: int = setting(
        1,
        "Trials at the same time, each in a process with its share of the cores. The training threads of one trial are "
        "another setting: `workers` under `fixed`.",
        ge=1,
        le=64,
    )
    parameters: dict[str, Any] = setting(
        {}, "What is searched, by setting: a list of choices, or low and high, and log (true or false) or step."
    )
    fixed: dict[str, Any] = setting({}, "Values of other settings, the same in all trials of the search.")


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
