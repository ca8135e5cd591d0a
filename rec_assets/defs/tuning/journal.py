"""Optuna's journal in a file, each record under a checksum."""

import fcntl
import json
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from optuna.storages.journal import BaseJournalBackend

from rec_assets.core.base.errors import StoreError

_CHECKSUM = "crc32"  # of a record of the journal


class SealedJournal(BaseJournalBackend):
    """Optuna's journal as a file of the store: a record a line, each with a checksum, readable after any kill.

    Optuna's own file backend can read these files, and so can optuna-dashboard, but it does not survive a kill:
    its lock stays for half a minute when its holder is killed, and a line that a killed writer left unfinished makes
    its file unreadable for good.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._offsets = path, [0]
        path.touch()

    def read_logs(self, log_number_from: int) -> Iterator[dict[str, Any]]:
        """The records from number ``log_number_from`` on; StoreError if one is damaged."""
        start = min(log_number_from, len(self._offsets) - 1)
        with self._path.open("rb") as file:
            file.seek(self._offsets[start])
            for number, line in enumerate(file, start):
                if not line.endswith(b"\n"):
                    return  # a writer is at it, or was killed
                if number + 1 == len(self._offsets):
                    self._offsets.append(self._offsets[number] + len(line))
                if number >= log_number_from:
                    yield self._parse(line, number)

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Add records to the end."""
        lines = [json.dumps({**log, _CHECKSUM: _checksum(log)}, separators=(",", ":")) + "\n" for log in logs]
        with self._path.open("r+b") as file:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX)
            end = file.seek(self._offsets[-1]) + file.read().rfind(b"\n") + 1
            file.truncate(end)
            file.seek(end)
            file.write("".join(lines).encode())
            file.flush()
            os.fsync(file.fileno())

    def _parse(self, line: bytes, number: int) -> dict[str, Any]:
        with suppress(ValueError, AttributeError):
            record = json.loads(line)
            # Another program, such as optuna-dashboard, adds records without a checksum.
            if record.pop(_CHECKSUM, None) in (None, _checksum(record)):
                return record
        raise StoreError(f"{self._path} is damaged in line {number + 1}. Delete it, and the search starts anew.")


def _checksum(record: dict[str, Any]) -> int:
    # As it is read again: there keys are text, and tuples lists.
    return zlib.crc32(json.dumps(json.loads(json.dumps(record)), sort_keys=True).encode())
