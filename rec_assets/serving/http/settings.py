"""How the endpoint is run; imports nothing that takes time."""

import ipaddress
import os
from dataclasses import dataclass


@dataclass(frozen=True)
class ServingSettings:
    """How the endpoint is run.

    Attributes:
        storage: folder or URL of the store.
        host: address to listen at.
        port: port to listen at; 0 = any that is free, which the log tells.
        workers: processes; they share the mapped file.
        poll_seconds: between two looks at what is promoted.
        access_log: whether each request is logged, names included.
    """

    storage: str
    host: str = "127.0.0.1"
    port: int = 8_000
    workers: int = 1
    poll_seconds: float = 1.0
    access_log: bool = False

    @property
    def threads(self) -> int:
        """Questions that one process answers at a time: as many as it has cores to itself."""
        return max(1, (os.cpu_count() or 1) // self.workers)

    @property
    def is_local(self) -> bool:
        """Whether only this machine can reach the endpoint."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"
