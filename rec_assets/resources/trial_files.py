"""What the trials of a search try, a small file each, so that a trial can be run anywhere by its name alone."""

import json
from pathlib import Path
from typing import Any

from upath import UPath

from rec_assets.core.errors import StoreError
from rec_assets.core.tuning import Trial
from rec_assets.core.tuning.trials import read_trial
from rec_assets.resources.atomic import atomic_file
from rec_assets.resources.json_text import json_text

FOLDER = "tuning_trials"


class TrialFiles:
    """The files ``tuning_trials/<trial>.json`` of the store ``base``, a folder or a URL."""

    def __init__(self, base: str) -> None:
        self._folder = UPath(base) / FOLDER

    def write(self, trial: Trial, scratch: Path) -> None:
        """Store ``trial`` atomically; ``scratch`` is a local folder for what is uploaded.

        Raises:
            StoreError: no space or no permission.
        """
        with atomic_file(self._path(trial.key), scratch) as temporary:
            temporary.write_text(json_text(trial.as_document()), encoding="utf-8")

    def read(self, key: str) -> Trial:
        """The trial ``key``.

        Raises:
            StoreError: there is none, or its file is damaged.
        """
        path = self._path(key)
        if not path.exists():
            raise StoreError(f"{path} does not exist, so nothing says what trial {key} tries. Run rec-assets tune.")
        return read_trial(_json(path), source=str(path))

    def of_search(self, search: str) -> list[Trial]:
        """The trials of ``search``, by number.

        Raises:
            StoreError: a file is damaged.
        """
        return [trial for trial in self._all() if trial.search == search]

    def searches(self) -> list[str]:
        """The names of all searches that have trials, in order.

        Raises:
            StoreError: a file is damaged.
        """
        return sorted({trial.search for trial in self._all()})

    def _all(self) -> list[Trial]:
        if not self._folder.exists():
            return []
        # Whose name begins with a dot is being written.
        paths = [path for path in self._folder.iterdir() if path.suffix == ".json" and not path.name.startswith(".")]
        trials = [read_trial(_json(path), source=str(path)) for path in paths]
        return sorted(trials, key=lambda trial: (trial.search, trial.number))

    def _path(self, key: str) -> UPath:
        return self._folder / f"{key}.json"


def _json(path: UPath) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise StoreError(f"{path} is not JSON ({error}). Delete it, and run rec-assets tune again.") from error
