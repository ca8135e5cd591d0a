"""What earlier decisions left."""

from typing import Any

from rec_assets.core.errors import StoreError
from rec_assets.core.promoted.history import LONGEST
from rec_assets.resources.store import AssetStore


def read_history(store: AssetStore) -> list[dict[str, Any]]:
    """Entries of earlier decisions, the latest last; none if no decision lies in the store."""
    if not store.target("promotion_decision", ".json").exists():
        return []
    history = store.read("promotion_decision", dict).get("history")
    if not isinstance(history, list):
        raise StoreError(f"{store.target('promotion_decision', '.json')} has no history. Remove it to begin a new one.")
    return history[-(LONGEST - 1) :]
