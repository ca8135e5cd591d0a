"""What came of the trials of a search, from the store and from what the instance knows of their runs."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import dagster as dg

from rec_assets.assets.known_figures import known_seconds
from rec_assets.assets.tuning.trials import trial_hit_rate
from rec_assets.core.errors import StoreError
from rec_assets.core.tuning import Trial, TrialOutcome, TrialState, judge_trial
from rec_assets.resources.store import AssetStore, stored_name
from rec_assets.resources.trial_files import TrialFiles
from rec_assets.settings.tuning import trial_settings

PARTITION_TAG = "dagster/partition"


def trial_outcomes(instance: dg.DagsterInstance, store: AssetStore, search: str) -> list[TrialOutcome]:
    """Every trial of ``search`` with its state and figures, by number.

    Raises:
        StoreError: the file of a trial is damaged.
        SettingsError: a trial has settings that are no longer within their bounds.
    """
    versions = current_versions(store)
    return [trial_outcome(instance, store, trial, versions) for trial in TrialFiles(store.base).of_search(search)]


def trial_outcome(
    instance: dg.DagsterInstance, store: AssetStore, trial: Trial, versions: Mapping[str, str | None]
) -> TrialOutcome:
    """What came of ``trial``; ``versions`` as :func:`current_versions` finds them."""
    report = _report(store, trial.key)
    state = judge_trial(
        report,
        settings=trial_settings(trial).as_dict(),
        versions=versions,
        failed=last_run_failed(instance, trial.key),
    )
    if state is not TrialState.finished:
        return TrialOutcome(trial, state)
    return TrialOutcome(trial, state, report, known_seconds(instance, "trial_hit_rate", trial.key))


def current_versions(store: AssetStore) -> dict[str, str | None]:
    """Data versions of what trials are made from, as it lies in ``store``; None = it is not there."""
    found: dict[str, str | None] = {}
    for parent in trial_hit_rate.asset_deps[trial_hit_rate.key]:
        name = parent.path[-1]
        if name != "trial_embeddings":
            found[name] = None
            with suppress(StoreError):
                found[name] = store.lineage(name).data_version
    return found


def last_run(instance: dg.DagsterInstance, key: str) -> dg.DagsterRun | None:
    """The last run of trial ``key`` that ``instance`` knows of."""
    runs = instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: key}), limit=1)
    return runs[0] if runs else None


def last_run_failed(instance: dg.DagsterInstance, key: str) -> bool:
    """Whether the last run of trial ``key`` failed."""
    run = last_run(instance, key)
    return run is not None and run.status is dg.DagsterRunStatus.FAILURE


def _report(store: AssetStore, key: str) -> dict[str, Any] | None:
    """The figures of trial ``key`` with their lineage; None where there are none that can be read."""
    name = stored_name("trial_hit_rate", key)
    with suppress(StoreError):  # a damaged one is made again, as a missing one is
        return {**store.read(name, dict), "lineage": asdict(store.lineage(name))}
    return None
