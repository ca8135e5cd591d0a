"""Where things lie by default: in the checkout, or in the working folder if the package is installed."""

import hashlib
import os
import re
import shutil
import sys
from pathlib import Path

from rec_assets.core.base.errors import SettingsError

CHECKOUT = Path(__file__).resolve().parent.parent
_ROOT = CHECKOUT if (CHECKOUT / "pyproject.toml").exists() else Path.cwd()

SYNTHETIC_SAMPLE = _ROOT / "data" / "synthetic_playlists.csv.gz"
DEFAULT_STORAGE = str(_ROOT / "data" / "storage")
CONFIGS = Path(__file__).resolve().parent / "configs"
SEARCHES = Path(__file__).resolve().parent / "searches"
HOME_SETTINGS = Path(__file__).resolve().parent / "dagster.yaml"
SHARED_SETTINGS = Path(__file__).resolve().parent / "shared_instance.yaml"
HOME = ".dagster_home"


def storage_base(named: str = "") -> str:
    """Folder or URL of the store: ``named``, else ``REC_ASSETS_STORAGE``, else ``data/storage``.

    A folder as its absolute path: a relative one is another store in each working folder, and whatever names it shows
    which. Raises SettingsError: a URL with credentials.
    """
    base = named or os.environ.get("REC_ASSETS_STORAGE") or DEFAULT_STORAGE
    base = refuse_credentials(base).removeprefix("file://")
    return base.rstrip("/") if "://" in base else str(Path(base).expanduser().absolute())


def refuse_credentials(url: str) -> str:
    """``url``, which is stored in metadata and logs. Raises SettingsError: it holds a user or a password."""
    scheme, is_url, rest = url.partition("://")
    host = rest.partition("/")[0]
    if is_url and "@" in host:
        raise SettingsError(
            f"{scheme}://…@{host.rpartition('@')[2]} holds credentials, which would be stored and shown. Set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment, and name the bucket alone."
        )
    return url


def dagster_home(base: str) -> Path:
    """The Dagster home of the store ``base``, which keeps the history of its runs; it may not exist yet.

    Inside a folder, so that the two move and go together; of a URL in the checkout, or in the working folder.
    """
    if "://" not in base:
        return Path(base) / HOME
    digest = hashlib.sha256(base.encode()).hexdigest()[:8]
    return _ROOT / HOME / f"{re.sub(r'[^A-Za-z0-9.]+', '-', base.partition('://')[2])[-40:].strip('-.')}-{digest}"


def command() -> str:
    """``rec-assets`` as it can be called here: the environment of ``make run`` is not on the PATH."""
    beside = Path(sys.executable).with_name("rec-assets")
    if shutil.which("rec-assets") or not beside.exists():
        return "rec-assets"
    return str(beside.relative_to(Path.cwd()) if beside.is_relative_to(Path.cwd()) else beside)


def duckdb_threads() -> int:
    """Threads of DuckDB, 0 = one per core: ``REC_ASSETS_DUCKDB_THREADS``.

    Raises SettingsError: it is not a whole number from 0 up.
    """
    text = os.environ.get("REC_ASSETS_DUCKDB_THREADS") or "0"
    if not text.isdecimal():
        raise SettingsError(f"REC_ASSETS_DUCKDB_THREADS is {text!r}; expected a whole number, 0 = one per core.")
    return int(text)


def fresh_days() -> float:
    """Days between two trainings, after which the promoted model is stale: ``REC_ASSETS_FRESH_DAYS``, else 7.

    Raises SettingsError: it is not a number above 0.
    """
    text = os.environ.get("REC_ASSETS_FRESH_DAYS") or "7"
    try:
        days = float(text)
    except ValueError:
        days = 0
    if not 0 < days < 10_000:
        raise SettingsError(f"REC_ASSETS_FRESH_DAYS is {text!r}; expected days between two trainings, above 0.")
    return days


def memory_limit() -> str:
    """What DuckDB may use before it spills to disk: ``REC_ASSETS_MEMORY_LIMIT``, else 400MB."""
    return os.environ.get("REC_ASSETS_MEMORY_LIMIT") or "400MB"
