"""The file of a recommender: its arrays, its settings and what else is told of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rec_assets.core.base.errors import SettingsError, UnreadableError
from rec_assets.core.base.lineage import LINEAGE_KEY, Lineage
from rec_assets.core.base.tensor_file import map_tensors, write_tensors
from rec_assets.core.recommender.recommender import Recommender
from rec_assets.core.recommender.settings import RecommenderSettings


def save_recommender(
    recommender: Recommender,
    path: Path,
    notes: Mapping[str, Any],
    more: Mapping[str, np.ndarray] | None = None,
) -> None:
    """Write ``recommender`` to ``path``, with ``notes``, its lineage among them, and ``more`` arrays.

    The same input gives the same bytes.
    """
    header = {"settings": recommender.settings.as_dict(), "strategies": list(recommender.strategies)}
    write_tensors(path, {**recommender.arrays(), **(more or {})}, {**header, "notes": dict(notes)})


def open_recommender(path: Path) -> tuple[Recommender, dict[str, Any], dict[str, np.ndarray]]:
    """The recommender of a file whose bytes were checked, mapped from disk; its notes; and all arrays of the file.

    Raises:
        UnreadableError: the file is cut off, of another kind, or of a version with other settings.
    """
    arrays, header = map_tensors(path)
    try:
        Lineage.from_json(header["notes"][LINEAGE_KEY])  # of another format the rest may mean something else
        settings = RecommenderSettings(**header["settings"])
        return Recommender.from_arrays(arrays, settings, list(header["strategies"])), header["notes"], arrays
    except (KeyError, SettingsError) as error:
        raise UnreadableError(f"is no recommender that this version of rec_assets knows ({error})") from error
