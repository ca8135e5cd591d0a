"""The one study that all workers of a search ask: kept by Optuna, taken up again after any kill."""

import fcntl
import os
import socket
import time
import uuid
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.storages import BaseStorage, JournalStorage, RDBStorage
from optuna.trial import FrozenTrial, Trial
from optuna.trial import TrialState as State
from sqlalchemy.exc import SQLAlchemyError
from upath import UPath

from rec_assets.core.base.errors import RecAssetsError, SettingsError
from rec_assets.core.tuning.leaderboard import TrialOutcome, TrialState
from rec_assets.core.tuning.search import Choices, Range, Sampler, Search, Value, fingerprint, tidied
from rec_assets.core.tuning.trials import TrialResult
from rec_assets.defs.tuning.journal import SealedJournal
from rec_assets.store.local import is_local, local_path
from rec_assets.store.temporary import create_owned, remove_abandoned

STORAGE = "REC_ASSETS_TUNING_STORAGE"
# Trials at random before TPE has anything to go by; the defaults are one of them.
STARTUP_TRIALS = 5
_HEARTBEAT_SECONDS, _POLL_SECONDS = 20, 1.0
_OWNER_PREFIX = f".worker-{socket.gethostname()}-"
_PARAMETERS, _OWNER, _RESULT, _REASON = "parameters", "owner", "result", "reason"
_STATES = {State.COMPLETE: TrialState.finished, State.FAIL: TrialState.failed, State.RUNNING: TrialState.running}

Run = Callable[[dict[str, Value]], TrialResult]


class _Discarded(RecAssetsError):
    """A proposal that is not trained: it is known already, or there are enough trials."""


class SearchStudy:
    """The study of ``search`` named ``name`` in ``storage``, which keeps all that it takes to go on.

    A trial that failed in Optuna's eyes without a reason of ours was discarded, or its worker is gone: it does not
    count. Workers that are alive hold a lock in ``folder``; without one, Optuna's heartbeats tell.
    """

    def __init__(self, search: Search, name: str, storage: BaseStorage, folder: Path | None) -> None:
        self._search, self._folder = search, folder
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._study = optuna.create_study(storage=storage, study_name=name, direction="maximize", load_if_exists=True)

    def outcomes(self) -> list[TrialOutcome]:
        """All trials that count, by number."""
        return [_outcome(trial) for trial in self._study.get_trials(deepcopy=False) if _counts(trial)]

    def prepare(self) -> list[TrialOutcome]:
        """Let what is planned, and what killed workers left, wait to be run; returns what :meth:`outcomes` does."""
        with self._turn():
            return self._mend()

    def work(self, worker: int, run: Run, on_done: Callable[[TrialOutcome], None]) -> None:
        """Ask and run trials until there are enough; wait for those of other workers, which may be killed.

        Each ``worker`` at the same time has its own number. Where ``run`` raises RecAssetsError, the search goes on.
        """

        def tell(_: optuna.Study, trial: FrozenTrial) -> None:
            if _counts(trial):
                on_done(_outcome(trial))

        with ExitStack() as alive:
            owner = self._hold_lock(alive)
            while True:
                with self._turn() as turn:
                    started = [each for each in self._mend() if each.state is not TrialState.waiting]
                    if len(started) < self._search.trials:
                        self._study.sampler = self._sampler(len(started), worker)
                        self._study.optimize(
                            lambda trial: self._try(trial, owner, run, turn),
                            1,
                            catch=(RecAssetsError,),
                            callbacks=[tell],
                        )
                        continue
                if all(each.state is not TrialState.running for each in started):
                    return
                time.sleep(_POLL_SECONDS)

    def _try(self, trial: Trial, owner: str, run: Run, turn: ExitStack) -> float:
        parameters = tidied({name: _suggest(trial, name, values) for name, values in self._search.space.items()})
        trial.set_user_attr(_PARAMETERS, parameters)
        trial.set_user_attr(_OWNER, owner)
        self._require_new(trial.number, parameters)
        turn.close()  # the next worker may ask
        try:
            result = run(parameters)
        except RecAssetsError as error:
            trial.set_user_attr(_REASON, " ".join(str(error).split()))
            raise
        trial.set_user_attr(_RESULT, result.as_document())
        return _value_of(result)

    def _require_new(self, number: int, parameters: dict[str, Value]) -> None:
        # Where no lock keeps workers apart, two may ask at the same moment: then the lower number stays.
        known = [each for each in self.outcomes() if each.number != number]
        others = [each for each in known if each.number < number]
        if any(each.parameters == parameters for each in others):
            unknown = self._search.draw_unknown({fingerprint(each.parameters) for each in known}, number)
            _enqueue(self._study, unknown)
            raise _Discarded("another trial has these parameters")
        if sum(each.state is not TrialState.waiting for each in others) >= self._search.trials:
            raise _Discarded("there are enough trials")

    def _mend(self) -> list[TrialOutcome]:
        """Let trials of workers that are gone wait to be run, and planned ones that are missing."""
        for trial in self._study.get_trials(deepcopy=False, states=(State.RUNNING,)):
            if self._folder is None or _is_alive(self._folder, trial):
                continue
            if result := trial.user_attrs.get(_RESULT):  # its worker was killed before it could say that it is done
                self._study.tell(trial.number, _value_of(TrialResult.from_document(result)))
            else:
                self._study.tell(trial.number, state=State.FAIL)
                _enqueue(self._study, trial.user_attrs.get(_PARAMETERS))
        with _heartbeats():
            optuna.storages.fail_stale_trials(self._study)  # those of a database
        known = {fingerprint(each.parameters) for each in self.outcomes()}
        for parameters in self._search.planned():
            if fingerprint(parameters) not in known:
                _enqueue(self._study, parameters)
        return self.outcomes()

    def _sampler(self, known: int, worker: int) -> BaseSampler:
        """Made anew for each trial, so that a search taken up again goes on as if it had not been stopped."""
        seed = int(np.random.SeedSequence([self._search.seed, known, worker]).generate_state(1)[0])
        if self._search.sampler is not Sampler.tpe:
            return RandomSampler(seed=seed)
        # A trial at work counts as a bad one ("constant liar"), so that trials at the same time differ.
        return TPESampler(seed=seed, n_startup_trials=STARTUP_TRIALS, multivariate=True, constant_liar=True)

    def _hold_lock(self, alive: ExitStack) -> str:
        """Hold a lock while ``alive``, by which others see that this worker is; its name."""
        if self._folder is None:
            return ""
        path = self._folder / f"{_OWNER_PREFIX}{os.getpid()}-{uuid.uuid4().hex}"
        alive.callback(os.close, create_owned(path, Path.touch))
        alive.callback(path.unlink, missing_ok=True)
        return path.name

    def _turn(self) -> ExitStack:
        """A lock, where there is a folder for it: one worker asks at a time."""
        turn = ExitStack()
        if self._folder is not None:
            file = turn.enter_context((self._folder / ".asking").open("w"))
            with suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX)
        return turn


def open_storage(base: str, search: str) -> tuple[BaseStorage, Path | None]:
    """Where the trials of ``search`` are kept, and the folder for locks: in a local store, else in a database.

    Raises:
        SettingsError: the store ``base`` is remote and no database is named, or the database cannot be opened.
        StoreError: the journal is damaged.
    """
    folder = UPath(base) / "tuning"
    if url := os.environ.get(STORAGE):
        return _open_database(url), None
    if not is_local(folder):
        raise SettingsError(
            f"The store {base} is no local folder, so the trials need a database. Set {STORAGE} to its URL, such as "
            "postgresql+psycopg2://user@host/optuna (extra `postgres`)."
        )
    local = local_path(folder).absolute()
    local.mkdir(parents=True, exist_ok=True)
    for leftover in local.glob(".worker-*"):
        _is_owned(leftover)
    return JournalStorage(SealedJournal(local / f"{search}.jsonl")), local


def _open_database(url: str) -> RDBStorage:
    try:
        with _heartbeats():
            return RDBStorage(
                url,
                heartbeat_interval=_HEARTBEAT_SECONDS,
                heartbeat_stale_trial_callback=lambda study, trial: _enqueue(study, trial.user_attrs.get(_PARAMETERS)),
            )
    except (SQLAlchemyError, ImportError) as error:
        raise SettingsError(
            f"The database of {STORAGE} cannot be opened ({type(error).__name__}: {str(error).splitlines()[0]}). "
            "Expected the URL of one that runs, and its driver installed."
        ) from error


@contextmanager
def _heartbeats() -> Iterator[None]:
    # "Experimental" since 2021; the bound on Optuna's version keeps them as they are.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        yield


def _enqueue(study: optuna.Study, parameters: dict[str, Value] | None) -> None:
    if parameters:
        study.enqueue_trial(parameters, user_attrs={_PARAMETERS: parameters})


def _value_of(result: TrialResult) -> float:
    return float(result.report["hit_rate"])


def _counts(trial: FrozenTrial) -> bool:
    return trial.state is not State.FAIL or _REASON in trial.user_attrs


def _outcome(trial: FrozenTrial) -> TrialOutcome:
    known, state = trial.user_attrs, _STATES.get(trial.state, TrialState.waiting)
    result = TrialResult.from_document(known[_RESULT]) if state is TrialState.finished else None
    return TrialOutcome(trial.number, known.get(_PARAMETERS, {}), state, result, known.get(_REASON, ""))


def _is_alive(folder: Path, trial: FrozenTrial) -> bool:
    # In one's turn to ask: a trial without an owner is one whose worker was killed while it asked.
    return _OWNER in trial.user_attrs and _is_owned(folder / trial.user_attrs[_OWNER])


def _is_owned(path: Path) -> bool:
    remove_abandoned(path, locks_tell=path.name.startswith(_OWNER_PREFIX))
    return path.exists()


def _suggest(trial: Trial, name: str, values: Choices | Range) -> Any:
    if isinstance(values, Choices):
        return trial.suggest_categorical(name, values.values)
    suggest = trial.suggest_int if isinstance(values.low, int) else trial.suggest_float
    step: Any = {} if values.step is None else {"step": values.step}
    return suggest(name, values.low, values.high, log=values.log, **step)  # pyright: ignore[reportArgumentType]
