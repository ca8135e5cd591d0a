"""What to try next. The study is made anew from the trials so far each time, so that nothing else must be kept."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from rec_assets.core.tuning.search import Choices, Range, Sampler, Search, Value
from rec_assets.core.tuning.trials import TrialState

if TYPE_CHECKING:
    import optuna

# Trials at random before TPE has anything to go by.
STARTUP_TRIALS = 5
# A sampler that was so often right on what is known already is not asked again.
_ATTEMPTS = 20
_MOST_ENUMERATED = 100_000


@dataclass(frozen=True)
class Tried:
    """A trial so far; ``hit_rate`` (0..1) is that of a finished one, else None."""

    number: int
    parameters: Mapping[str, Value]
    state: TrialState
    hit_rate: float | None = None


def propose_next(search: Search, tried: Sequence[Tried]) -> tuple[int, dict[str, Value]] | None:
    """Number and parameters of the next trial, none of which was proposed before; None = there are enough.

    The same search and the same trials so far give the same answer. The number is the lowest one that is free.
    """
    taken = {trial.number for trial in tried}
    number = next((number for number in range(search.trials) if number not in taken), None)
    if number is None:
        return None
    if search.sampler is Sampler.grid:
        return number, next(islice(search.combinations(), number, None))
    known = {_fingerprint(trial.parameters) for trial in tried}
    for attempt in range(_ATTEMPTS):
        parameters = _ask_optuna(search, tried, _seed(search, number, attempt))
        if _fingerprint(parameters) not in known:
            return number, parameters
    return _draw_unknown(search, known, _seed(search, number, _ATTEMPTS), number)


def _fingerprint(parameters: Mapping[str, Value]) -> str:
    return json.dumps(dict(parameters), sort_keys=True)


def _seed(search: Search, number: int, attempt: int) -> int:
    return int(np.random.SeedSequence([search.seed, number, attempt]).generate_state(1)[0])


def _draw_unknown(search: Search, known: set[str], seed: int, number: int) -> tuple[int, dict[str, Value]] | None:
    """Any combination that is not known; None if all are."""
    unknown = [
        combination
        for combination in islice(search.combinations(), _MOST_ENUMERATED)
        if _fingerprint(combination) not in known
    ]
    return (number, unknown[np.random.default_rng(seed).integers(len(unknown))]) if unknown else None


def _ask_optuna(search: Search, tried: Sequence[Tried], seed: int) -> dict[str, Value]:
    import optuna  # only who tunes needs it

    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        study = optuna.create_study(direction="maximize", sampler=_sampler(search, seed))
        space = {name: _distribution(values) for name, values in search.space.items()}
        for trial in sorted(tried, key=lambda trial: trial.number):
            study.add_trial(_as_optuna(trial, space))
        chosen = study.ask(space).params
    finally:
        optuna.logging.set_verbosity(before)
    return {name: chosen[name] for name in search.space}


def _sampler(search: Search, seed: int) -> "optuna.samplers.BaseSampler":
    import optuna

    if search.sampler is Sampler.random:
        return optuna.samplers.RandomSampler(seed=seed)
    # A trial at work counts as a bad one ("constant liar"), so that trials at the same time differ.
    return optuna.samplers.TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS, multivariate=True, constant_liar=True)


def _distribution(values: Choices | Range) -> "optuna.distributions.BaseDistribution":
    from optuna import distributions

    if isinstance(values, Choices):
        return distributions.CategoricalDistribution(values.values)
    if values.is_whole:
        return distributions.IntDistribution(
            int(values.low), int(values.high), log=values.log, step=int(values.step or 1)
        )
    return distributions.FloatDistribution(values.low, values.high, log=values.log, step=values.step)


def _as_optuna(trial: Tried, space: Mapping[str, Any]) -> "optuna.trial.FrozenTrial":
    import optuna

    # An outdated trial will be made again: until then it is like one at work.
    states = {TrialState.finished: optuna.trial.TrialState.COMPLETE, TrialState.failed: optuna.trial.TrialState.FAIL}
    state = states.get(trial.state, optuna.trial.TrialState.RUNNING)
    value = trial.hit_rate if trial.state is TrialState.finished else None
    return optuna.trial.create_trial(state=state, value=value, params=dict(trial.parameters), distributions=dict(space))
