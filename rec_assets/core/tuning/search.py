"""A search: which settings are tried, in which values, and how the next ones are chosen."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from itertools import product
from math import prod
from typing import Any

Value = bool | int | float | str


class Sampler(Enum):
    """How the next trial is chosen: all combinations in order, at random, or by what the trials so far say."""

    grid = "grid"
    random = "random"
    tpe = "tpe"


@dataclass(frozen=True)
class Choices:
    """A setting takes one of these ``values``, which have no order."""

    values: tuple[Value, ...]

    def steps(self) -> tuple[Value, ...]:
        """Every value."""
        return self.values

    def as_document(self) -> Any:
        """As the search file has it."""
        return list(self.values)


@dataclass(frozen=True)
class Range:
    """A setting takes a number from ``low`` to ``high``, both included; whole numbers if the ends are.

    Attributes:
        low, high: ends, ``low`` below ``high``.
        log: each tenfold is as likely as the next; not together with ``step``.
        step: between neighbouring values, from ``low`` exactly to ``high``; None = 1, or of real numbers any.
    """

    low: int | float
    high: int | float
    log: bool = False
    step: int | float | None = None

    @property
    def is_whole(self) -> bool:
        """Whether its numbers are whole."""
        return isinstance(self.low, int)

    def steps(self) -> tuple[Value, ...] | None:
        """Every value, ascending; None where there is no end of them."""
        step = self.step or (1 if self.is_whole else None)
        if step is None:
            return None
        # In decimals: 0.1 + 2 * 0.1 is not 0.3.
        low, high, by = (Decimal(str(number)) for number in (self.low, self.high, step))
        values = [low + by * place for place in range(int((high - low) / by) + 1)]
        return tuple(int(value) if self.is_whole else float(value) for value in values)

    def as_document(self) -> Any:
        """As the search file has it."""
        return {"low": self.low, "high": self.high, "log": self.log, "step": self.step}


@dataclass(frozen=True)
class Search:
    """What is tried. Every value is within the bounds of its setting.

    Attributes:
        name: letters, digits, ``_`` and ``-``; the trials are called after it.
        sampler: see :class:`Sampler`.
        trials: how many in all.
        seed: of the draws.
        space: values by setting, at least one.
        fixed: values of other settings, the same in all trials.
    """

    name: str
    sampler: Sampler
    trials: int
    seed: int
    space: Mapping[str, Choices | Range]
    fixed: Mapping[str, Value]

    def as_document(self) -> dict[str, Any]:
        """What two searches must have in common for their trials to be compared; not how many trials they make."""
        return {
            "sampler": self.sampler.value,
            "seed": self.seed,
            "parameters": {name: values.as_document() for name, values in self.space.items()},
            "fixed": dict(self.fixed),
        }

    def count_combinations(self) -> int | None:
        """How many different trials there are; None = no end of them."""
        steps = [values.steps() for values in self.space.values()]
        return None if any(step is None for step in steps) else prod(len(step) for step in steps if step is not None)

    def combinations(self) -> Iterator[dict[str, Value]]:
        """Every combination of values, the last setting changing fastest.

        Raises:
            ValueError: there is no end of them.
        """
        steps = {name: values.steps() for name, values in self.space.items()}
        endless = [name for name, step in steps.items() if step is None]
        if endless:
            raise ValueError(f"{', '.join(endless)}: a range of real numbers without a step has no end of values")
        for combination in product(*(step for step in steps.values() if step is not None)):
            yield dict(zip(steps, combination, strict=True))
