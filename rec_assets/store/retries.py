"""Retry what may pass by itself, and nothing else."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
import duckdb

MAX_RETRIES = 2
SECONDS_TO_WAIT = 5.0
# Faults of disks and networks. A missing file or a full disk is not among them: waiting does not mend it.
_TRANSIENT_ERRNOS = {
    errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.EMFILE, errno.ENFILE,
    errno.ECONNRESET, errno.ECONNREFUSED, errno.ECONNABORTED, errno.EPIPE, errno.EHOSTUNREACH, errno.ENETUNREACH,
}  # fmt: skip


@contextmanager
def retry_transient() -> Iterator[None]:
    """Ask Dagster to run the step again if the block fails for a reason that may pass.

    A ``RetryPolicy`` would retry every error, a wrong setting among them.
    """
    try:
        yield
    except (OSError, duckdb.IOException) as error:
        if not is_transient(error):
            raise
        raise dg.RetryRequested(max_retries=MAX_RETRIES, seconds_to_wait=SECONDS_TO_WAIT) from error


def is_transient(error: Exception) -> bool:
    """Whether the same step may succeed a little later."""
    if isinstance(error, (TimeoutError, ConnectionError)):
        return True
    if isinstance(error, duckdb.IOException):  # it has no number, only the system's words for one
        return any(os.strerror(number) in str(error) for number in _TRANSIENT_ERRNOS)
    return isinstance(error, OSError) and error.errno in _TRANSIENT_ERRNOS
