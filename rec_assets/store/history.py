"""Which store the history of a Dagster instance is of; one that belongs to another is refused.

Dagster's events name no store: a run into a second one would show its figures, and its freshness, as the first one's.
"""

import shlex
from pathlib import Path

import dagster as dg

from rec_assets.core.base.errors import StoreError
from rec_assets.paths import HOME, command, dagster_home, storage_base

_KEY = "rec_assets/store"
# The folder that the home is in: the record stays right when both are moved.
_AROUND = ".."


def require_own(instance: dg.DagsterInstance, base: str) -> None:
    """Record that ``instance`` keeps the history of the store ``base``, unless it is recorded or not kept at all.

    Raises StoreError: it keeps that of another store.
    """
    if instance.is_ephemeral:
        return
    home = Path(instance.root_directory)
    recorded = instance.run_storage.get_cursor_values({_KEY}).get(_KEY)
    if _is_around(instance, base, home):
        own, found = base if "://" in base else _AROUND, base
    else:
        own, found = base, _recorded(recorded, home) or base
    if _resolved(found) != _resolved(base):
        option = "" if base == storage_base() else f" --storage {shlex.quote(base)}"
        raise StoreError(
            f"The Dagster home {home} belongs to the store {found}, not to {base}: run "
            f"`export DAGSTER_HOME=$({shlex.quote(command())} home{option})` first, "
            f"or set REC_ASSETS_STORAGE={shlex.quote(found)}."
        )
    if recorded != own:
        instance.run_storage.set_cursor_values({_KEY: own})


def _is_around(instance: dg.DagsterInstance, base: str, home: Path) -> bool:
    """Whether ``home`` is the store's own and holds all history, which a database elsewhere may share with others."""
    ref = instance.get_ref()
    runs = ref.run_storage_data.config_dict.get("base_dir", "") if ref.run_storage_data else ""
    return home.resolve() == dagster_home(base).resolve() and Path(runs).resolve().is_relative_to(home.resolve())


def _recorded(record: str | None, home: Path) -> str | None:
    if record != _AROUND:
        return record
    return str(home.parent) if home.name == HOME else None  # else it was moved out of its store


def _resolved(base: str) -> str:
    return base if "://" in base else str(Path(base).resolve())
