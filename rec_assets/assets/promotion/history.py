"""What earlier decisions left."""

from typing import Any

import dagster as dg

from rec_assets.core.errors import StoreError
from rec_assets.core.promoted.history import LONGEST
from rec_assets.resources.store import AssetStore


def read_history(context: dg.AssetExecutionContext, store: AssetStore) -> list[dict[str, Any]]:
    """Entries of earlier decisions, the latest last; none, with a warning, if they cannot be read."""
    target = store.target("promotion_decision", ".json")
    if not target.exists():
        return []
    try:
        history = store.read("promotion_decision", dict)["history"]
    except (StoreError, KeyError) as error:
        context.log.warning(f"the history of candidates begins anew, since {target} cannot be read: {error}")
        return []
    return history[-(LONGEST - 1) :]
