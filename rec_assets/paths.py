"""Where things lie by default: in the checkout, or in the working folder if the package is installed."""

import os
from pathlib import Path

_CHECKOUT = Path(__file__).resolve().parent.parent
_ROOT = _CHECKOUT if (_CHECKOUT / "pyproject.toml").exists() else Path.cwd()

MADE_SAMPLE = _ROOT / "data" / "made_playlists.csv.gz"
CONFIGS = Path(__file__).resolve().parent / "configs"


def storage_base() -> str:
    """Folder or URL of the store: ``REC_ASSETS_STORAGE``, else ``data/storage``."""
    return os.environ.get("REC_ASSETS_STORAGE") or str(_ROOT / "data" / "storage")
