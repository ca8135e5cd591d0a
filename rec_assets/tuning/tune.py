"""What ``rec-assets tune`` does, from the names that its user typed."""

import fcntl
import logging
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import yaml

from rec_assets.assets.tuning.tuning_leaderboard import leaderboard_table, leaderboard_text
from rec_assets.core.errors import SettingsError, TrainingError
from rec_assets.core.tuning import Search, TrialOutcome, best_outcome
from rec_assets.definitions import build_definitions
from rec_assets.resources.duckdb import SharedDuckDB, available_cores
from rec_assets.resources.store import AssetStore
from rec_assets.settings.tuning import load_search
from rec_assets.tuning.launchers import Launcher, ProcessLauncher, WebserverLauncher
from rec_assets.tuning.session import Session

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Wishes:
    """What the user asked for; ``trials`` and ``seed`` replace those of the search unless they are None."""

    search: str
    storage: str
    parallel: int = 1
    trials: int | None = None
    seed: int | None = None
    webserver: str | None = None


def tune(wishes: Wishes, tell: Callable[[str], None]) -> str | None:
    """Run the trials, materialize the leaderboard, tell all of it.

    Returns:
        The best trial's settings as a config of training_job; None if no trial finished.

    Raises:
        SettingsError: search file, DAGSTER_HOME or web server are not as expected.
        StoreError: the store lacks sequences, or cannot be written.
    """
    search = load_search(wishes.search, seed=wishes.seed, trials=wishes.trials)
    with _instance() as instance, _alone(instance, search.name), tempfile.TemporaryDirectory() as folder:
        duckdb = SharedDuckDB()
        try:
            store = AssetStore(base=wishes.storage, duckdb=duckdb)
            outcomes = _session(search, wishes, store, instance, Path(folder), tell).run()
        finally:
            duckdb.teardown_after_execution(dg.build_init_resource_context())
        _materialize_leaderboard(wishes.storage, instance, search.name)
    tell("\n" + leaderboard_text(leaderboard_table(outcomes), "simple"))
    best = best_outcome(outcomes)
    return None if best is None else best_config(search, best)


def _session(
    search: Search, wishes: Wishes, store: AssetStore, instance: dg.DagsterInstance, folder: Path, tell: Callable
) -> Session:
    share = max(1, available_cores() // wishes.parallel)
    launcher: Launcher = (
        WebserverLauncher(wishes.webserver, instance)
        if wishes.webserver
        else ProcessLauncher(wishes.storage, share, folder)
    )
    return Session(
        search, store, instance, launcher, parallel=wishes.parallel, workers=share, scratch=folder, tell=tell
    )


@contextmanager
def _instance() -> Iterator[dg.DagsterInstance]:
    """The instance of DAGSTER_HOME.

    Raises:
        SettingsError: it is not set, or no folder.
    """
    home = os.environ.get("DAGSTER_HOME")
    if not home or not Path(home).is_absolute() or not Path(home).is_dir():
        raise SettingsError(
            f"DAGSTER_HOME is {home!r}; expected the absolute path of a folder, in which Dagster records the trials. "
            "In the checkout: export DAGSTER_HOME=$PWD/.dagster_home"
        )
    with dg.DagsterInstance.get() as instance:
        yield instance


@contextmanager
def _alone(instance: dg.DagsterInstance, search: str) -> Iterator[None]:
    """Hold the search for the block: two sessions would propose the same trials.

    Raises:
        SettingsError: another session holds it.
    """
    path = Path(instance.root_directory) / f".tune-{search}.lock"
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SettingsError(f"Another rec-assets tune runs the search {search}. Wait for it, or stop it.") from None
        except OSError as error:
            # A file system without locks: nobody can tell.
            _LOG.warning("%s cannot be locked (%s)", path, error)
        yield


def _materialize_leaderboard(storage: str, instance: dg.DagsterInstance, search: str) -> None:
    """Raises TrainingError if it cannot be made."""
    job = build_definitions(storage).resolve_job_def("tuning_leaderboard_job")
    config = {
        "ops": {"tuning_leaderboard": {"config": {"search": search}}},
        "loggers": {"console": {"config": {"log_level": "ERROR"}}},
    }
    if not job.execute_in_process(config, instance=instance, raise_on_error=False).success:
        raise TrainingError("tuning_leaderboard could not be made; the lines above say why. The trials are kept.")


def best_config(search: Search, best: TrialOutcome) -> str:
    """The settings of the best trial as YAML, a config of training_job."""
    settings = {**search.fixed, **best.trial.parameters}
    heading = f"# Trial {best.trial.key}: hit rate@{(best.report or {}).get('k')} {best.hit_rate:.4f} on validation."
    return f"{heading}\n{yaml.safe_dump(settings, sort_keys=False)}"
