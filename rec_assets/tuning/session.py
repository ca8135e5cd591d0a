"""Runs the trials of a search, several at once; what an earlier session finished is not done again."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import dagster as dg

from rec_assets.assets.tuning.outcomes import current_versions, last_run, trial_outcome, trial_outcomes
from rec_assets.assets.tuning.trials import TRIALS
from rec_assets.console import mendable_message
from rec_assets.core.errors import SettingsError, StoreError
from rec_assets.core.tuning import Search, Trial, TrialOutcome, TrialState, Tried, propose_next
from rec_assets.resources.store import AssetStore
from rec_assets.resources.trial_files import TrialFiles
from rec_assets.tuning.launchers import TUNE_TAG, Launcher, Started

_POLL_SECONDS = 0.1


@dataclass
class _AtWork:
    trial: Trial
    run: Started
    start: float = field(default_factory=time.monotonic)


class Session:
    """One call of ``rec-assets tune``.

    Args:
        search: what is tried.
        store: where trials and results lie.
        instance: that records the runs.
        launcher: starts them.
        parallel: how many at once.
        workers: training threads of a trial, where the search does not say.
        scratch: a folder for temporary files.
        tell: takes a line of progress.
    """

    def __init__(
        self,
        search: Search,
        store: AssetStore,
        instance: dg.DagsterInstance,
        launcher: Launcher,
        *,
        parallel: int,
        workers: int,
        scratch: Path,
        tell: Callable[[str], None],
    ) -> None:
        self._search, self._store, self._instance, self._launcher = search, store, instance, launcher
        self._parallel, self._workers, self._scratch, self._tell = parallel, workers, scratch, tell
        self._files = TrialFiles(store.base)
        self._outcomes: dict[int, TrialOutcome] = {}
        self._at_work: list[_AtWork] = []
        self._again: list[Trial] = []

    def run(self) -> list[TrialOutcome]:
        """Run what is not finished, and then what is proposed, to the end; every trial of the search, by number.

        Raises:
            StoreError: the store lacks what trials are made from.
            SettingsError: the trials that are stored under this name are those of another search.
        """
        self._take_up()
        try:
            while self._start_more() or self._at_work:
                self._settle()
        finally:
            for work in self._at_work:
                work.run.stop()
            _cancel_abandoned(self._instance, self._search.name)
        return [self._outcomes[number] for number in sorted(self._outcomes)]

    def _take_up(self) -> None:
        missing = [name for name, version in current_versions(self._store).items() if version is None]
        if missing:
            raise StoreError(
                f"{', '.join(sorted(missing))} not found in the store {self._store.base}. Run training_job first, or "
                "materialize everything up to the sequences."
            )
        for outcome in trial_outcomes(self._instance, self._store, self._search.name):
            _require_same_search(self._search, outcome.trial)
            self._outcomes[outcome.trial.number] = outcome
        unfinished = [outcome for outcome in self._outcomes.values() if outcome.state is not TrialState.finished]
        self._again = [outcome.trial for outcome in unfinished if outcome.trial.number < self._search.trials]
        _cancel_abandoned(self._instance, self._search.name)
        counts = f"{len(self._outcomes) - len(unfinished)} finished before"
        if self._again:
            counts += f", {len(self._again)} to be run again"
        self._tell(
            f"search {self._search.name}: {self._search.trials} trials ({self._search.sampler.value}), {counts}; "
            f"{self._parallel} at once, {self._workers} training thread{'s' * (self._workers > 1)} each"
        )

    def _start_more(self) -> bool:
        """Start trials until enough are at work; whether one was started."""
        started = False
        while len(self._at_work) < self._parallel and (trial := self._next()) is not None:
            self._start(trial)
            started = True
        return started

    def _next(self) -> Trial | None:
        if self._again:
            return self._again.pop(0)
        tried = [
            Tried(number, outcome.trial.parameters, outcome.state, outcome.hit_rate)
            for number, outcome in self._outcomes.items()
        ]
        proposal = propose_next(self._search, tried)
        if proposal is None:
            return None
        number, parameters = proposal
        return Trial(self._search.name, number, parameters, {}, self._search.as_document())

    def _start(self, trial: Trial) -> None:
        # The file comes first: whoever sees the partition can run it.
        trial = replace(trial, fixed=self._fixed())
        self._files.write(trial, self._scratch)
        self._instance.add_dynamic_partitions(str(TRIALS.name), [trial.key])
        self._outcomes[trial.number] = TrialOutcome(trial, TrialState.pending)
        self._at_work.append(_AtWork(trial, self._launcher.start(trial.key, self._search.name)))
        self._tell(f"{trial.key} started   {in_one_line(trial)}")

    def _fixed(self) -> dict[str, bool | int | float | str]:
        said = self._search.fixed.keys() | self._search.space.keys()
        own: dict[str, bool | int | float | str] = {} if "workers" in said else {"workers": self._workers}
        return {**own, **self._search.fixed}

    def _settle(self) -> None:
        """Wait a moment, and take in what has ended."""
        time.sleep(_POLL_SECONDS)
        for work in [work for work in self._at_work if work.run.has_ended()]:
            self._at_work.remove(work)
            outcome = trial_outcome(self._instance, self._store, work.trial, current_versions(self._store))
            if outcome.state is not TrialState.finished:
                outcome = replace(outcome, state=TrialState.failed)
            self._outcomes[work.trial.number] = outcome
            self._tell(self._line(work, outcome))

    def _line(self, work: _AtWork, outcome: TrialOutcome) -> str:
        seconds = f"{time.monotonic() - work.start:.1f} s"
        if outcome.report is None:
            reason = failure_reason(self._instance, work.trial.key) or work.run.last_words()
            return f"{work.trial.key} FAILED after {seconds}   {in_one_line(work.trial)}\n    {reason}"
        report = outcome.report
        low, high = report["interval"]
        figures = f"hit rate@{report['k']} {report['hit_rate']:.4f} ({low:.4f} to {high:.4f})"
        return f"{work.trial.key} finished in {seconds}   {figures}   {in_one_line(work.trial)}"


def in_one_line(trial: Trial) -> str:
    """The parameters of ``trial``."""
    return ", ".join(f"{name}={_short(value)}" for name, value in trial.parameters.items())


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def failure_reason(instance: dg.DagsterInstance, key: str) -> str | None:
    """What the last run of trial ``key`` failed for, in one line; None if it did not."""
    run = last_run(instance, key)
    if run is None or run.status is not dg.DagsterRunStatus.FAILURE:
        return None
    for entry in instance.all_logs(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE):
        event = entry.dagster_event
        error = getattr(event.event_specific_data, "error", None) if event is not None else None
        if event is not None and error is not None:
            text = mendable_message(event) or f"{event.step_key} failed. {(error.cause or error).message}"
            return " ".join(re.sub(r"rec_assets\.core\.errors\.\w+: ", "", text).split())
    return "the run failed before any step"


def _require_same_search(search: Search, trial: Trial) -> None:
    """Trials of another description under the same name must not be mixed with ours."""
    now, then = json.loads(json.dumps(search.as_document())), dict(trial.description)
    differing = [name for name, value in now.items() if then.get(name) != value]
    if differing:
        name = differing[0]
        raise SettingsError(
            f"Search {search.name} has trials in the store that were described otherwise: `{name}` was "
            f"{json.dumps(then.get(name))}, now {json.dumps(now[name])}. Give the search another `name`, or delete "
            f"tuning_trials/{search.name}-*.json there."
        )


def _cancel_abandoned(instance: dg.DagsterInstance, search: str) -> None:
    """End, in the eyes of the instance, the runs of a session that was stopped or killed, and they with it.

    There is one session of a search at a time, so that none of them can still be alive.
    """
    alive = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
    for run in instance.get_runs(dg.RunsFilter(tags={TUNE_TAG: search}, statuses=alive)):
        instance.report_run_canceled(run, message="rec-assets tune was stopped, and this run with it.")
