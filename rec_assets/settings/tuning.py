"""Settings of a trial, and search files checked against their bounds."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import yaml
from pydantic import Field

from rec_assets.core.errors import SettingsError
from rec_assets.core.tuning import Search, SettingsGuide, Trial, parse_search
from rec_assets.core.tuning.parsing import LARGEST_SEED, whole_number
from rec_assets.paths import SEARCHES
from rec_assets.settings.base import Settings
from rec_assets.settings.evaluation import RanksSettings
from rec_assets.settings.training import EmbeddingsSettings, TrackRankerSettings

_REMEDY = "Delete its file in tuning_trials, and run rec-assets tune again."


class TrialSettings(EmbeddingsSettings, TrackRankerSettings, RanksSettings):
    """Everything that a trial may try: how vectors and ranker are trained, and how the strategy is asked."""

    def of_embeddings(self) -> EmbeddingsSettings:
        """Those of the vectors alone."""
        return EmbeddingsSettings(**{name: getattr(self, name) for name in EmbeddingsSettings.model_fields})

    def of_ranker(self) -> TrackRankerSettings:
        """Those of the ranker alone."""
        return TrackRankerSettings(**{name: getattr(self, name) for name in TrackRankerSettings.model_fields})


def trial_settings(trial: Trial) -> TrialSettings:
    """All settings of ``trial``.

    Raises:
        SettingsError: one is out of its bounds, or unknown.
    """
    unknown = set(trial.settings) - set(TrialSettings.model_fields)
    if unknown:
        raise SettingsError(f"Trial {trial.key} has `{min(unknown)}`, which is no setting. {_REMEDY}")
    try:
        return TrialSettings(**trial.settings)
    except SettingsError as error:
        text = str(error).replace("Change it in the run config.", _REMEDY)
        raise SettingsError(f"Trial {trial.key}: {text}") from None


class TuningLeaderboardSettings(Settings):
    """Which search the leaderboard is of."""

    search: str = Field(
        default="", description="Name of the search; empty = the only one that has trials in the store."
    )


def settings_guide() -> SettingsGuide:
    """What the core must know of the settings of a trial."""

    def complete(values: Mapping[str, Any]) -> dict[str, Any]:
        return TrialSettings(**values).as_dict()

    fields = TrialSettings.model_fields
    return SettingsGuide({name: cast(type, field.annotation) for name, field in fields.items()}, complete)


def load_search(name: str, *, seed: int | None = None, trials: int | None = None) -> Search:
    """The search in the file ``name``, or the ready-made one of that name; ``seed`` and ``trials`` replace its own.

    Raises:
        SettingsError: there is no such file, or something in it is wrong.
    """
    path = _find(name)
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"Search {path} cannot be read: {error}. Name a YAML file of a search.") from error
    if isinstance(document, dict) and trials is not None:
        document["trials"] = trials
    search = parse_search(document, settings_guide(), source=str(path), default_name=path.stem)
    if seed is None or seed == search.seed:
        return search
    # Its trials are others, so its name is, too.
    return replace(search, seed=whole_number("--seed", seed, 0, LARGEST_SEED), name=f"{search.name}-seed{seed}")


def _find(name: str) -> Path:
    path, ready_made = Path(name).expanduser(), SEARCHES / f"{name}.yaml"
    if path.is_file():
        return path
    if ready_made.is_file():
        return ready_made
    known = ", ".join(sorted(file.stem for file in SEARCHES.glob("*.yaml")))
    raise SettingsError(f"There is no search file {name}. Expected the path of a YAML file, or one of {known}.")
