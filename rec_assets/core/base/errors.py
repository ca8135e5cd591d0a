"""Errors that name the file, column or setting, what was found, what was expected and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager


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


@contextmanager
def naming(file: object, remedy: str) -> Iterator[None]:
    """Turns an :class:`UnreadableError` of the block into a :class:`StoreError` with ``file`` and ``remedy``."""
    try:
        yield
    except UnreadableError as error:
        raise StoreError(f"{file} {error}. {remedy}") from error
    except FileNotFoundError as error:
        raise StoreError(f"{file} does not exist. {remedy}") from error


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
