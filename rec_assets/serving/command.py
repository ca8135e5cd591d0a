"""What the commands share: the option for the store, names on a terminal, and errors as one message."""

from collections.abc import Iterator
from contextlib import contextmanager

import click

from rec_assets.core.base.artists import track_name
from rec_assets.core.base.errors import RecAssetsError, is_of
from rec_assets.paths import storage_base

storage_option = click.option(
    "--storage",
    default="",
    callback=lambda context, option, named: _storage(named),
    help="Folder or URL of the store; REC_ASSETS_STORAGE or data/storage unless given.",
)


def _storage(named: str) -> str:
    with errors_as_messages():
        return storage_base(named)


def printable(text: str) -> str:
    """``text`` on one line, with \ufffd in place of control characters, which could steer the terminal."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in " ".join(text.split()))


def printable_track(artist: str | None, title: str | None) -> str:
    """Artist and title as they are shown, on one line."""
    return printable(track_name(artist, title))


@contextmanager
def errors_as_messages() -> Iterator[None]:
    """Ends the command with exit code 1 and the message alone if the block raises what its user can mend."""
    try:
        yield
    except (RecAssetsError, OSError, ImportError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    except Exception as error:
        # Named, since importing them takes longer than most commands.
        if not is_of(error, "botocore", "duckdb", "_duckdb"):
            raise
        raise click.ClickException(f"{type(error).__name__}: {error}") from error
