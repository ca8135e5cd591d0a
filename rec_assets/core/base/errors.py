"""Errors that name the file, column or setting, what was found, what was expected and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

_LONGEST_REASON = 200


class RecAssetsError(Exception):
    """Base of all errors that a user can mend; never worth a retry."""


class SourceError(RecAssetsError):
    """A playlist file cannot be used: missing, empty, of another format, or with too many rejects."""


class DataError(RecAssetsError):
    """The rows were read, but there is too little in them for the step, or the wrong thing."""


class SettingsError(RecAssetsError):
    """A setting is out of its bounds, by itself or together with the data."""


class StoreError(RecAssetsError):
    """The store cannot be read or written: no space, no permission, or a file of another kind."""


class TrainingError(RecAssetsError):
    """Training failed: a trainer thread died, the vectors are not finite, or a library cannot be loaded."""


class UnreadableError(Exception):
    """What is wrong with a file, as the end of a sentence; :func:`naming` puts the file and the remedy to it."""


# What parsing raises where a file holds something else than it should.
_MISREAD = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, SettingsError)


@contextmanager
def naming(file: object, remedy: str, *others: type[Exception]) -> Iterator[None]:
    """A block that reads ``file``: whatever is wrong with it is raised as StoreError, with ``file`` and ``remedy``.

    ``others`` are errors of a library by which it reads.
    """
    try:
        yield
    except UnreadableError as error:
        raise StoreError(f"{file} {error}. {remedy}") from error
    except FileNotFoundError as error:
        raise StoreError(f"{file} does not exist. {remedy}") from error
    except IsADirectoryError as error:
        raise StoreError(f"{file} is a folder. Remove it. {remedy}") from error
    except PermissionError as error:  # an object store gives it no number
        raise StoreError(f"{file} may not be read ({error.strerror or error}). Mend its permissions.") from error
    except (*_MISREAD, *others) as error:
        reason = " ".join(repr(error).split())[:_LONGEST_REASON]
        raise StoreError(f"{file} does not hold what it should ({reason}). {remedy}") from error


def is_of(error: Exception, *packages: str) -> bool:
    """Whether a class of one of the ``packages`` is that of ``error``, which need not be imported for it."""
    return type(error).__module__.partition(".")[0] in packages


@contextmanager
def noting(faults: list[str]) -> Iterator[None]:
    """Adds the message of a :class:`SettingsError` of the block to ``faults``, for :func:`raise_noted`."""
    try:
        yield
    except SettingsError as error:
        faults.append(str(error))


def raise_noted(faults: list[str]) -> None:
    """Raises SettingsError: there are ``faults``; a line each, so that they can be mended at once."""
    if faults:
        raise SettingsError("\n".join(faults))
