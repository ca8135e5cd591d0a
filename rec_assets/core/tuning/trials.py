"""Trials: what one is, and how far it has come."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Any

from rec_assets.core.errors import StoreError
from rec_assets.core.tuning.search import Value


class TrialState(Enum):
    """How far a trial has come.

    ``finished``: measured on what the store holds now. ``failed``: its last run failed. ``pending``: not yet run to
    its end. ``outdated``: measured, but on other playlists, or with settings that have since got another meaning.
    """

    finished = "finished"
    failed = "failed"
    pending = "pending"
    outdated = "outdated"


@dataclass(frozen=True)
class Trial:
    """One combination of settings.

    Attributes:
        search: name of the search.
        number: 0 = first.
        parameters: what was chosen for this trial.
        fixed: what all trials of the search have in common, and what the machine asks for (``workers``).
        description: of the search, see :meth:`Search.as_document`.
    """

    search: str
    number: int
    parameters: Mapping[str, Value]
    fixed: Mapping[str, Value]
    description: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Its name: that of its partition, and of its files."""
        return trial_key(self.search, self.number)

    @property
    def settings(self) -> dict[str, Any]:
        """All settings that differ from their defaults."""
        return {**self.fixed, **self.parameters}

    def as_document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {name: dict(value) if isinstance(value, Mapping) else value for name, value in asdict(self).items()}


def trial_key(search: str, number: int) -> str:
    """The name of trial ``number`` of ``search``."""
    return f"{search}-{number:03d}"


def read_trial(document: Any, *, source: str) -> Trial:
    """The inverse of :meth:`Trial.as_document`.

    Raises:
        StoreError: ``document``, read from ``source``, is no trial.
    """
    try:
        trial = Trial(
            search=str(document["search"]),
            number=int(document["number"]),
            parameters=dict(document["parameters"]),
            fixed=dict(document["fixed"]),
            description=dict(document["description"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(
            f"{source} is no trial of a search ({error!r}). Delete it, and run rec-assets tune again."
        ) from error
    return trial


def judge_trial(
    report: Mapping[str, Any] | None,
    *,
    settings: Mapping[str, Any],
    versions: Mapping[str, str | None],
    failed: bool,
) -> TrialState:
    """The state of a trial.

    Args:
        report: its hit rate with its ``lineage``; None = there is none.
        settings: all of them, as the trial would be run now.
        versions: data version of each asset in the store, None = it is not there.
        failed: whether its last run failed.
    """
    if report is not None:
        lineage = report["lineage"]
        inputs = {name: version for name, version in lineage["inputs"].items() if name in versions}
        is_current = all(versions[name] == version for name, version in inputs.items())
        if is_current and lineage["settings"] == settings:
            return TrialState.finished
    if failed:
        return TrialState.failed
    return TrialState.pending if report is None else TrialState.outdated
