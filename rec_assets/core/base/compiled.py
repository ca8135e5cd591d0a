"""Loops over flat arrays, compiled by numba: plain Python to read, as fast as C, and free of the interpreter's lock."""

import logging
import sys
import time
from collections.abc import Callable
from typing import Any

from rec_assets.core.base.progress import REPORT_SECONDS

# numba loads SciPy's BLAS for matrix products, which no loop here takes: 0.4 s before the first answer.
_BLAS = "scipy.linalg.cython_blas"
if _BLAS in sys.modules:
    import numba
    import numba.core.event
    import numba.extending
else:
    sys.modules[_BLAS] = None  # type: ignore[assignment] - an import of it fails, as where there is no SciPy
    try:
        import numba
        import numba.core.event
        import numba.extending
        import numba.np.arraymath
    finally:
        del sys.modules[_BLAS]

_IN_ANY_ORDER = {"reassoc", "contract", "nsz", "arcp"}  # NaN and infinite numbers stay what they are


class _Compilations(numba.core.event.Listener):
    """Says why there is silence: on a processor for which nothing is kept yet it takes half a minute in all."""

    _said = -REPORT_SECONDS

    def on_start(self, event: Any) -> None:
        if time.monotonic() - self._said >= REPORT_SECONDS:
            self._said = time.monotonic()
            logging.getLogger(__name__).info("compiling loops for this processor; they are kept for the next run")

    def on_end(self, event: Any) -> None:
        pass


numba.core.event.register("numba:compile", _Compilations())


def compiled(function: Callable[..., Any]) -> Callable[..., Any]:
    """``function`` compiled at its first call, and kept beside its source, or else in the user's cache, for the next
    process. Floats are added up in the order that is written; a division by 0 gives an infinite number.

    A count or a flag that is handed to another loop begins as ``np.int64(0)`` or ``np.bool_(False)``: a plain one is a
    type of its own to numba, for which it would compile the other loop once more.
    """
    return _compiled(function)


def compiled_in_any_order(function: Callable[..., Any]) -> Callable[..., Any]:
    """As :func:`compiled`, where sums may be added up in another order, so that several numbers are added at once."""
    return _compiled(function, fastmath=_IN_ANY_ORDER)


def inlined_in_any_order(function: Callable[..., Any]) -> Callable[..., Any]:
    """As :func:`compiled_in_any_order`, for the innermost loops: its source becomes part of who calls it."""
    return _compiled(function, fastmath=_IN_ANY_ORDER, inline="always")


def _compiled(function: Callable[..., Any], **options: Any) -> Callable[..., Any]:
    own = {"nogil": True, "error_model": "numpy", **options}
    try:
        loop = numba.njit(cache=True, **own)(function)
    except RuntimeError:  # neither folder may be written: it is compiled in every process
        return numba.njit(**own)(function)
    kept = _kept_file(loop)
    kept._source_stamp = (kept._source_stamp, *_stamps_of_other_files(function))
    return loop


def _stamps_of_other_files(function: Callable[..., Any]) -> list[Any]:
    """Stamps of the loops that the file of ``function`` took from other files.

    What is kept of a loop holds the code of those that it calls, but numba looks at its own file alone: where another
    file was changed, it would go on with the old code.
    """
    loops = [loop for loop in function.__globals__.values() if numba.extending.is_jitted(loop)]
    others = [loop for loop in loops if loop.py_func.__globals__ is not function.__globals__]
    return [_kept_file(loop)._source_stamp for loop in others]


def _kept_file(loop: Any) -> Any:
    """The file in which numba keeps what was compiled; numba has no other way to it."""
    return loop._cache._cache_file
