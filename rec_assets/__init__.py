"""Playlists in, next-track recommender out: a Dagster asset graph that trains and measures track embeddings.

In Python: :func:`load` opens the promoted model of a store, :func:`train` makes one from a DataFrame. Importing this
package imports neither Dagster nor gensim; the code location is ``rec_assets.definitions``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rec_assets.core.base.errors import RecAssetsError
    from rec_assets.serving.python.model import Model, SpellingWarning, UnknownTracksError, load
    from rec_assets.serving.python.training import train

__version__ = "0.2.0"
__all__ = ["Model", "RecAssetsError", "SpellingWarning", "UnknownTracksError", "load", "train"]

# Opened when they are asked for: `rec-assets --help` needs none of what they import.
_MODULES = dict.fromkeys(__all__, "rec_assets.serving.python.model")
_MODULES |= {"RecAssetsError": "rec_assets.core.base.errors", "train": "rec_assets.serving.python.training"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_MODULES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__", "__doc__", "__name__"]
